//! Debian's own `minisign` has the last word on every signature.

use std::fs;
use std::process::Command;

/// The program that users have.
pub struct Minisign(());

/// The program when it is there. Without it a test is skipped, which is a failure under `CI=true`.
pub fn minisign() -> Option<Minisign> {
    if Command::new("minisign").arg("-v").output().is_ok() {
        return Some(Minisign(()));
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "minisign is not installed, and under CI=true nothing is skipped"
    );
    #[expect(
        clippy::print_stderr,
        reason = "a skip is said where the test's result is"
    )]
    {
        eprintln!("skipped: minisign's own verdict, because minisign is not installed");
    }
    None
}

impl Minisign {
    /// What `minisign -V` says of these bytes and texts: the trusted comment that it accepted, or its refusal.
    pub fn verify(
        &self,
        content: &[u8],
        signature: &str,
        public_key: &str,
    ) -> Result<String, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), content).expect("a file");
        fs::write(path("file.minisig"), signature).expect("a file");
        fs::write(path("key.pub"), public_key).expect("a file");
        let output = Command::new("minisign")
            .args(["-V", "-Q", "-m"])
            .arg(path("file"))
            .arg("-p")
            .arg(path("key.pub"))
            .output()
            .expect("minisign");
        if output.status.success() {
            let comment = String::from_utf8(output.stdout).expect("a comment in UTF-8");
            Ok(comment.trim_end_matches('\n').to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}
