//! Which program this is, by its bytes.

use std::fs::File;
use std::io;

use sha2::{Digest as _, Sha256};

/// SHA-256 in hex of the executable that runs, also where another lies at its path by now.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn digest() -> io::Result<String> {
    let mut hash = Hashing(Sha256::new());
    io::copy(&mut File::open("/proc/self/exe")?, &mut hash)?;
    Ok(hex::encode(hash.0.finalize()))
}

struct Hashing(Sha256);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_digest_of_the_file() {
        let path = std::env::current_exe().expect("a path");
        let bytes = std::fs::read(path).expect("the program");
        let expected = hex::encode(Sha256::digest(bytes));
        assert_eq!(digest().expect("a digest"), expected);
    }
}
