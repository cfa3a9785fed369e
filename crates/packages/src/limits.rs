//! How much an inspection may read, hold and believe.

/// Each limit bounds what one uploaded file can make its inspection do. Sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Entries of a zip. Large apps have 30,000; Android takes 65,535. Each entry costs memory here
    /// and a file on the disk of whoever unpacks it.
    pub entries: u64,
    /// Headers of a zip's entries that are looked at: two seconds on a disk that has to be asked for each.
    pub headers: usize,
    /// The central directory of a zip, which is held in memory: 300 bytes for each entry.
    pub directory: u64,
    /// What a zip unpacks to, by its own account: four times the largest upload.
    pub unpacked: u64,
    /// How many times its own size a zip may unpack to. Text reaches 20; a bomb of zeros 1,000.
    pub ratio: u64,
    /// Below this the ratio does not count: a small archive of empty logs harms nobody.
    pub ratio_from: u64,
    /// `AndroidManifest.xml`; the largest known are below 1 MiB.
    pub manifest: u64,
    /// `resources.arsc`, held in memory to find the label and the icon; large apps have 30 MiB.
    pub resources: u64,
    /// The icon: it is kept in a database row and is part of every install page.
    pub icon: u64,
    /// One of the pictures that an icon is drawn from; 432 pixels squared, which Android asks for, take 200 KiB.
    pub layer: u64,
    /// One value of the APK Signing Block. The rest of the block is never read.
    pub signature: u64,
    /// `control.tar` of a deb, packed and unpacked; with many translations it has 200 KiB.
    pub control: u64,
    /// What the files of a deb are unpacked to, at most, to see that all are there: xz, which most have, takes four seconds.
    pub data: u64,
    /// What a tarball is unpacked to, at most, to see that its end is there: four seconds.
    pub stream: u64,
    /// Memory that a decoder for xz or zstd may take for its window; `dpkg-deb` uses 64 MiB at most.
    pub window: u64,
    /// Characters of a text that is shown to people, as the label or a version.
    pub text: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 200_000,
            headers: 20_000,
            directory: 64 << 20,
            unpacked: 64 << 30,
            ratio: 100,
            ratio_from: 256 << 20,
            manifest: 4 << 20,
            resources: 64 << 20,
            icon: 128 << 10,
            layer: 1 << 20,
            signature: 4 << 20,
            control: 16 << 20,
            data: 256 << 20,
            stream: 1 << 30,
            window: 72 << 20,
            text: 256,
        }
    }
}
