//! What the pages say, as fields: the same in each language, so that none is forgotten.

use slipway_runtime::http::page::Language;

/// Texts of the pages. `{}` stands for what [`Texts::with`] puts there; those of the fields `install_…` are HTML.
pub(crate) struct Texts {
    pub(crate) language: Language,

    // The head of an app's page.
    pub(crate) version: &'static str,
    pub(crate) nothing_published: &'static str,
    pub(crate) nothing_published_to: &'static str,
    /// For a preview of the page in a chat.
    pub(crate) description: &'static str,
    pub(crate) description_empty: &'static str,
    /// Between two of a list.
    pub(crate) and: &'static str,

    // The first file.
    pub(crate) download: &'static str,
    pub(crate) download_for: &'static str,
    pub(crate) save: &'static str,
    pub(crate) save_the_file: &'static str,
    pub(crate) damaged: &'static str,
    pub(crate) damaged_title: &'static str,
    pub(crate) damaged_text: &'static str,
    pub(crate) other_files_for: &'static str,
    pub(crate) no_package_title: &'static str,
    pub(crate) no_package_text: &'static str,
    /// There are some for the system, and none for the machine.
    pub(crate) no_fitting_title: &'static str,
    pub(crate) no_fitting_text: &'static str,
    /// The label that a package carries, where it is another than the app's name.
    pub(crate) appears_as: &'static str,
    pub(crate) inside_title: &'static str,
    pub(crate) inside_text: &'static str,
    /// For who looks like a Mac and may have an iPad; like a Linux, and may have a phone.
    pub(crate) on_an_ipad: &'static str,
    pub(crate) on_an_ipad_text: &'static str,
    pub(crate) on_a_phone: &'static str,
    pub(crate) on_a_phone_text: &'static str,

    // Files that no tap installs: a title and what to do.
    pub(crate) ipa: [&'static str; 2],
    pub(crate) aab: [&'static str; 2],
    pub(crate) parts: [&'static str; 2],
    pub(crate) split: [&'static str; 2],
    pub(crate) hap: [&'static str; 2],

    // How it is installed.
    pub(crate) installing: &'static str,
    pub(crate) install_android: Installing,
    pub(crate) install_windows: Installing,
    pub(crate) install_macos: Installing,

    // Other files.
    pub(crate) other_systems: &'static str,
    pub(crate) choose_your_system: &'static str,
    pub(crate) downloads: &'static str,
    pub(crate) files: &'static str,
    pub(crate) any_system: &'static str,
    pub(crate) other_file: &'static str,
    pub(crate) signer: &'static str,
    pub(crate) signature: &'static str,
    pub(crate) older_versions: &'static str,
    pub(crate) more_versions: &'static str,
    pub(crate) also_released_to: &'static str,
    pub(crate) published_with: &'static str,

    // Notes.
    pub(crate) what_is_new: &'static str,
    pub(crate) show_all: &'static str,

    // How to prove a file.
    pub(crate) prove: &'static str,
    pub(crate) prove_before: &'static str,
    pub(crate) prove_after: &'static str,
    pub(crate) key_of: &'static str,
    pub(crate) public_key: &'static str,
    pub(crate) get_minisign: &'static str,
    pub(crate) get_minisign_in_termux: &'static str,
    pub(crate) prove_file_before: &'static str,
    pub(crate) its_signature: &'static str,
    pub(crate) prove_file_after: &'static str,
    pub(crate) without_minisign: &'static str,
    pub(crate) says_ok: &'static str,
    pub(crate) shows: &'static str,

    // The start page.
    pub(crate) front_title: &'static str,
    pub(crate) front_text: &'static str,
    pub(crate) front_apps: &'static str,
    pub(crate) front_more: &'static str,
    pub(crate) front_find: &'static str,
    pub(crate) front_find_text: &'static str,
    pub(crate) front_publish: &'static str,
    pub(crate) front_publish_token: &'static str,
    pub(crate) front_publish_command: &'static str,
    pub(crate) front_publish_curl: &'static str,
    pub(crate) front_api: &'static str,
}

/// How a file is installed by hand.
pub(crate) struct Installing {
    pub(crate) title: &'static str,
    pub(crate) steps: &'static [&'static str],
    pub(crate) after: &'static str,
}

impl Texts {
    /// For the attribute `lang`.
    pub(crate) const fn tag(&self) -> &'static str {
        self.language.tag()
    }

    #[expect(
        clippy::unused_self,
        reason = "templates reach functions through values"
    )]
    pub(crate) fn with(&self, pattern: &str, value: &str) -> String {
        pattern.replacen("{}", value, 1)
    }
}
