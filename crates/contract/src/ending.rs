//! The kind that the ending of a file's name stands for.

use crate::{file_name::FileName, kind::Kind};

/// The archives of other trades are zips too.
const ENDINGS: [(&str, Kind); 43] = [
    (".apk", Kind::Apk),
    (".aab", Kind::Aab),
    (".ipa", Kind::Ipa),
    (".deb", Kind::Deb),
    (".udeb", Kind::Deb),
    (".rpm", Kind::Rpm),
    (".appimage", Kind::AppImage),
    (".msi", Kind::Msi),
    (".exe", Kind::Exe),
    (".dmg", Kind::Dmg),
    (".tar.gz", Kind::TarGz),
    (".tgz", Kind::TarGz),
    (".tar.xz", Kind::TarXz),
    (".txz", Kind::TarXz),
    (".tar.zst", Kind::TarZst),
    (".tar.zstd", Kind::TarZst),
    (".tzst", Kind::TarZst),
    (".tar.bz2", Kind::TarBz2),
    (".tbz2", Kind::TarBz2),
    (".tbz", Kind::TarBz2),
    (".7z", Kind::SevenZip),
    (".pkg", Kind::Pkg),
    (".snap", Kind::Snap),
    (".flatpak", Kind::Flatpak),
    (".hap", Kind::Hap),
    (".jar", Kind::Jar),
    (".whl", Kind::Whl),
    (".nupkg", Kind::Nupkg),
    (".snupkg", Kind::Nupkg),
    (".msix", Kind::Msix),
    (".appx", Kind::Msix),
    (".msixbundle", Kind::Msix),
    (".appxbundle", Kind::Msix),
    (".xapk", Kind::Xapk),
    (".apks", Kind::Apks),
    (".apkm", Kind::Apkm),
    (".zip", Kind::Zip),
    (".war", Kind::Zip),
    (".ear", Kind::Zip),
    (".aar", Kind::Zip),
    (".vsix", Kind::Zip),
    (".xpi", Kind::Zip),
    (".apkx", Kind::Zip),
];

impl Kind {
    /// The kind that the ending of a name stands for; `None` where it stands for none.
    pub fn named(name: &FileName) -> Option<Self> {
        let name = name.as_str().to_ascii_lowercase();
        let ending = ENDINGS.iter().find(|(ending, _)| name.ends_with(ending));
        ending.map(|(_, kind)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::ENDINGS;
    use crate::kind::Kind;

    #[test]
    fn the_ending_of_a_name_stands_for_a_kind() {
        let named = |name: &str| Kind::named(&name.parse().unwrap());
        for (name, kind) in [
            ("notes.apk", Some(Kind::Apk)),
            ("Notes Setup (x64).EXE", Some(Kind::Exe)),
            ("notes-1.2.tar.gz", Some(Kind::TarGz)),
            ("Notes-x86_64.AppImage", Some(Kind::AppImage)),
            ("notes.jar", Some(Kind::Jar)),
            ("notes.war", Some(Kind::Zip)),
            ("notes-1.2.tar.zst", Some(Kind::TarZst)),
            ("Notes.msixbundle", Some(Kind::Msix)),
            ("notes.apk.txt", None),
            ("notes.gz", None),
            ("notes.bin", None),
            ("apk", None),
        ] {
            assert_eq!(named(name), kind, "{name}");
        }
        let every = Kind::ALL
            .iter()
            .filter(|kind| !ENDINGS.iter().any(|(_, named)| named == *kind));
        assert_eq!(every.collect::<Vec<_>>(), [&Kind::MachO, &Kind::Other]);
    }
}
