//! In English.

use slipway_runtime::http::page::Language;

use super::fields::{Installing, Texts};

pub(super) const TEXTS: Texts = Texts {
    language: Language::English,

    version: "Version {}",
    nothing_published: "Nothing has been published yet.",
    nothing_published_to: "Nothing has been published to {} yet.",
    description: "For {}. Every file is signed, and can be proven to be what was released.",
    description_empty: "Every file is signed, and can be proven to be what was released.",
    and: ", ",

    download: "Download",
    download_for: "Download for {}",
    save: "Save",
    save_the_file: "Save the file",
    damaged: "damaged",
    damaged_title: "This file is damaged here.",
    damaged_text: "It is not served until its publisher's platform has it back as it was released.",
    other_files_for: "Other files for {}",
    no_package_title: "There is no package for {}.",
    no_package_text: "These are there for other systems:",
    no_fitting_title: "No package for {} is known to fit your device.",
    no_fitting_text: "These are there for other devices and systems:",
    appears_as: "appears as “{}”",
    inside_title: "You are reading this inside {}.",
    inside_text: "It often blocks downloads. Open its menu (··· or ⋮, mostly at the top right) and choose “Open in browser”.",
    on_an_ipad: "On an iPad?",
    on_an_ipad_text: "An iPad that asks for desktop pages looks like a Mac. This is for iOS and iPadOS:",
    on_a_phone: "On a phone or a tablet?",
    on_a_phone_text: "One that asks for desktop pages looks like a Linux computer. This is for Android:",

    ipa: [
        "Safari cannot install this file.",
        "An .ipa that is opened on an iPhone or iPad stays a file. Apple lets apps in through the App Store, through TestFlight, or from a computer: save the file there, connect the device, and install it with Apple Configurator or Xcode (its device has to be in the app's profile), or with AltStore or Sideloadly under your own Apple account. Or ask the publisher for an invitation to TestFlight.",
    ],
    aab: [
        "No device installs this file.",
        "An .aab is what a store makes packages of. Ask the publisher for an .apk.",
    ],
    parts: [
        "Android does not install this file by itself.",
        "It holds an app in several parts. Save it, and open it with an installer for such files, for example SAI or the app of APKMirror; or ask the publisher for one .apk.",
    ],
    split: [
        "Android does not install this file alone.",
        "It is one part of an app in several. Ask the publisher for one .apk of the whole app.",
    ],
    hap: [
        "HarmonyOS does not install this file from a browser.",
        "Save it on a computer, connect the device in developer mode, and install it with “hdc install” or DevEco Studio; or ask the publisher for its page in AppGallery.",
    ],

    installing: "Installing it",
    install_android: Installing {
        title: "From outside a store",
        steps: &[
            "Open the file when it is there: in the browser's list of downloads, or in Files.",
            "Android asks once whether this browser may install apps (“unknown apps”, “unknown sources” or, on HarmonyOS up to 4, “external sources”). Tap <b>Settings</b>, allow it, and go back. You may take it back afterwards.",
            "Play Protect may want to look at the app first: let it scan. If it does not know the publisher, <b>More details</b> leads to <b>Install anyway</b>. Phones of Huawei, Honor, Xiaomi, OPPO and vivo ask in words of their own, and some want the screen lock or an account's password; where <b>Pure mode</b> is on, it has to be off for the time.",
            "Tap <b>Install</b>.",
        ],
        after: "In some countries, phones with Google's services install only apps of publishers that Google has verified: if yours says so, ask the publisher. HarmonyOS 5 and later run no Android apps. Once it is installed, Android itself refuses an update that somebody else has signed.",
    },
    install_windows: Installing {
        title: "If Windows holds it back",
        steps: &[
            "The browser may say that the file is not commonly downloaded: in its list of downloads choose <b>···</b>, then <b>Keep</b>.",
            "Prove the file, as shown below. Windows does not know it; you can.",
            "SmartScreen may say “Windows protected your PC”: choose <b>More info</b>, then <b>Run anyway</b>.",
        ],
        after: "Where <b>Smart App Control</b> is on, or a company manages the computer, only files that Windows knows will run.",
    },
    install_macos: Installing {
        title: "If macOS holds it back",
        steps: &[
            "Prove the file, as shown below. Gatekeeper does not know it if Apple has not; you can.",
            "Open it once. If macOS says that it could not check the app, choose <b>Done</b>; never “Move to Bin”.",
            "Open <b>System Settings → Privacy &amp; Security</b>, scroll down, and choose <b>Open Anyway</b>. Before macOS 15, Control-click the app and choose <b>Open</b>.",
        ],
        after: "An app that is said to be damaged is mostly one that is not signed for Apple: ask its publisher.",
    },

    other_systems: "Other systems",
    choose_your_system: "Choose your system",
    downloads: "Downloads",
    files: "Files",
    any_system: "Any system",
    other_file: "Other file",
    signer: "Certificate of its signer (SHA-256), read from the file and not verified",
    signature: "Signature",
    older_versions: "Older versions",
    more_versions: "More versions",
    also_released_to: "Also released to:",
    published_with: "Published with Slipway.",

    what_is_new: "What is new in {}",
    show_all: "Show all",

    prove: "Prove what you downloaded",
    prove_before: "Every file is signed with the key of this app, which is the same for every version. Let",
    prove_after: "prove that yours is what was released.",
    key_of: "The key of {}",
    public_key: "Public key",
    get_minisign: "Get minisign:",
    get_minisign_in_termux: "In Termux, get minisign:",
    prove_file_before: "Prove the file, with",
    its_signature: "its signature",
    prove_file_after: "saved beside it:",
    without_minisign: "Without minisign, compare the SHA-256. It {} when the file arrived whole:",
    says_ok: "says OK",
    shows: "shows {}",

    front_title: "Apps, signed by their publishers",
    front_text: "This is a Slipway platform: apps are published here outside of a store. Every file is signed when it is released, and everybody can prove that what they got is what was released.",
    front_apps: "Apps",
    front_more: "There are more. Each has a page of its own: ask its publisher for the address.",
    front_find: "Looking for an app?",
    front_find_text: "Its page is at an address like this; ask its publisher:",
    front_publish: "Publishing an app",
    front_publish_token: "Ask the operator of this platform for a token, and keep it in the environment:",
    front_publish_command: "With the command:",
    front_publish_curl: "Or with what every machine has:",
    front_api: "Everything that can be called",
};
