//! What the name of a file says that its bytes are.

use slipway_contract::{Arch, Facts, Kind, Platform};

use crate::{
    disk_image, pe,
    source::{Fault, Source},
    zip,
};

/// Bytes of the beginning that tell a page or a text from a package.
const BEGINNING: u64 = 512;

/// Holds what was found in the bytes against what the name says. An error page that is named `notes.apk` would be offered
/// as one.
pub(crate) fn hold(
    source: &mut Source<'_>,
    promised: Kind,
    found: Result<Facts, Fault>,
) -> Result<Facts, Fault> {
    match found {
        // Every zip of classes is a jar; a manifest it need not have.
        Ok(mut facts) if promised == Kind::Jar && facts.kind == Kind::Zip => {
            let plain = Facts::of(Kind::Jar);
            (facts.kind, facts.platform) = (plain.kind, plain.platform);
            facts.arch = Some(Arch::Universal);
            Ok(facts)
        }
        Ok(facts) if is_promised(promised, &facts) => Ok(facts),
        Ok(facts) => Err(Fault::damaged(lack(promised, facts.kind))),
        Err(Fault::Malformed(why)) => {
            if stands_in(source, promised)? {
                return Err(Fault::Malformed(why));
            }
            let content = content(&source.head(BEGINNING)?);
            Err(Fault::damaged(format!(
                "its name says that it is of the kind {promised}, but {content}"
            )))
        }
        Err(other) => Err(other),
    }
}

fn is_promised(promised: Kind, facts: &Facts) -> bool {
    match (promised, facts.kind) {
        (Kind::Zip, found) => is_zip(found),
        // FreeBSD's packages have the ending of Apple's.
        (Kind::Xapk | Kind::Apks | Kind::Apkm, Kind::Xapk | Kind::Apks | Kind::Apkm)
        | (Kind::Pkg, Kind::TarXz | Kind::TarZst) => true,
        // Some tools take the mark of an AppImage out of it, since other programs stumble over it; an ELF is left.
        (Kind::AppImage, Kind::Other) => facts.platform == Some(Platform::Linux),
        (promised, found) => promised == found,
    }
}

fn is_zip(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Zip
            | Kind::Apk
            | Kind::Aab
            | Kind::Ipa
            | Kind::Jar
            | Kind::Whl
            | Kind::Msix
            | Kind::Nupkg
            | Kind::Xapk
            | Kind::Apks
            | Kind::Apkm
            | Kind::Hap
    )
}

/// What a whole file of another kind does not have.
fn lack(promised: Kind, found: Kind) -> String {
    let part = match promised {
        Kind::Apk => "the AndroidManifest.xml of an APK",
        Kind::Aab => "BundleConfig.pb and base/manifest/AndroidManifest.xml",
        Kind::Ipa => "Payload/NAME.app/Info.plist",
        Kind::Whl => "NAME.dist-info/WHEEL",
        Kind::Msix => {
            "[Content_Types].xml and AppxManifest.xml or AppxMetadata/AppxBundleManifest.xml"
        }
        Kind::Nupkg => "NAME.nuspec",
        Kind::Xapk | Kind::Apks | Kind::Apkm => "base.apk or a list of its APKs",
        Kind::Hap => "module.json or config.json and resources.index",
        Kind::Snap if found == Kind::Other => return "it has no meta/snap.yaml".to_owned(),
        Kind::Pkg if found == Kind::Other => {
            return "it has neither Distribution nor PackageInfo".to_owned();
        }
        _ => "",
    };
    if is_zip(found) && !part.is_empty() {
        return format!("it is a zip without {part}");
    }
    format!(
        "its name says that it is of the kind {promised}, but its bytes are of the kind {found}"
    )
}

/// Whole files that honestly have this name although their kind is not known here.
fn stands_in(source: &mut Source<'_>, promised: Kind) -> Result<bool, Fault> {
    match promised {
        // A script before a zip starts it: so are "executable jars" made.
        Kind::Zip | Kind::Jar => zip::ends_as_one(source),
        Kind::Exe => pe::is_for_dos(source),
        Kind::Dmg => disk_image::is_raw(source),
        _ => Ok(false),
    }
}

fn content(head: &[u8]) -> &'static str {
    if head.is_empty() {
        return "it is empty";
    }
    // The head may end within a character.
    let text = match std::str::from_utf8(head) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    let Some(text) = text.filter(|text| !text.contains('\0')) else {
        return "it does not begin as one";
    };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let begins = |with: &str| {
        text.get(..with.len())
            .is_some_and(|own| own.eq_ignore_ascii_case(with))
    };
    if begins("<!doctype html") || begins("<html") {
        "it is an HTML page, such as a server sends instead of a file"
    } else if begins("{") || begins("[") {
        "it is JSON, such as a server sends instead of a file"
    } else {
        "it is a text"
    }
}

#[cfg(test)]
mod tests {
    use super::content;

    #[test]
    fn what_came_instead_is_said() {
        for (head, words) in [
            (&b""[..], "empty"),
            (b"\n<!DOCTYPE html><title>502", "HTML"),
            (b"<HTML>", "HTML"),
            (b"{\"message\":\"Not Found\"}", "JSON"),
            (b"not found", "text"),
            ("Gr\u{f6}".as_bytes(), "text"),
            (&"Gr\u{f6}".as_bytes()[..3], "text"),
            (b"\x00\x01", "does not begin"),
            (b"\xff\xfe", "does not begin"),
        ] {
            assert!(content(head).contains(words), "{head:?}: {}", content(head));
        }
    }
}
