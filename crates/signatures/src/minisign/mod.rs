//! minisign (<https://jedisct1.github.io/minisign/>), to the byte.
//!
//! Only prehashed signatures (`ED`) are made. With those alone a key signs messages of exactly 64 bytes (a BLAKE2b-512)
//! and longer ones (a signature and its trusted comment), so neither can stand in for the other. The legacy mode (`Ed`)
//! signs the file's own bytes: one such signature under the same key, over an upload of 64 bytes, would be a valid
//! signature of another file.

mod comment;
mod key;
mod key_id;
mod prehash;
mod text;
mod verify;

pub use comment::{CommentError, TrustedComment};
pub use key::{PublicKey, SecretKey};
pub use key_id::{KeyId, KeyIdError};
pub use prehash::{Prehash, Prehasher};
pub use verify::{Verified, VerifyError, verify_file, verify_prehash};
