//! Marks of the feed: what a follower was told, in a form that nobody but a catalog can make.
//!
//! A mark is the id of the last start of a catalog process, a dot, and HMAC-SHA256 in hex over the epoch, that start and
//! the head. Its key is one of catalog's secrets and not in its database: whoever has an older copy of the database has
//! no mark beyond it, and a follower's word alone never makes the catalog doubt its database.

use anyhow::Context as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use slipway_runtime::data::DataDir;
use slipway_runtime::key::Key;

/// Makes and checks marks.
#[derive(Clone)]
pub(crate) struct Marks(Key);

impl Marks {
    pub(crate) fn open(data: &DataDir) -> anyhow::Result<Self> {
        let key = Key::read(&data.feed_key()).context("the feed's marks need their key")?;
        Ok(Self(key))
    }

    /// The mark of an answer.
    pub(crate) fn make(&self, epoch: &str, start: &str, head: i64) -> String {
        let mac = self.mac(epoch, start, head).finalize().into_bytes();
        format!("{start}.{}", hex::encode(mac))
    }

    /// The start that a mark over `epoch` and `head` names; `None` when it is not one of ours. Compares in constant
    /// time, so that a forger learns nothing from how long a refusal takes.
    pub(crate) fn check<'a>(&self, mark: &'a str, epoch: &str, head: i64) -> Option<&'a str> {
        let (start, mac) = mark.split_once('.')?;
        let mac = hex::decode(mac).ok()?;
        self.mac(epoch, start, head).verify_slice(&mac).ok()?;
        Some(start)
    }

    fn mac(&self, epoch: &str, start: &str, head: i64) -> Hmac<Sha256> {
        let mut mac = Hmac::new_from_slice(self.0.bytes()).expect("HMAC takes a key of any length");
        mac.update(format!("slipway feed mark 1\n{epoch}\n{start}\n{head}").as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_covers_every_part_and_needs_the_key() {
        let marks = Marks(Key::random().unwrap());
        let mark = marks.make("e", "s", 7);
        assert_eq!(marks.check(&mark, "e", 7), Some("s"));
        assert_eq!(marks.check(&mark, "f", 7), None);
        assert_eq!(marks.check(&mark, "e", 8), None);
        let other_start = mark.replacen("s.", "t.", 1);
        assert_eq!(marks.check(&other_start, "e", 7), None);
        assert_eq!(Marks(Key::random().unwrap()).check(&mark, "e", 7), None);
        for damaged in ["", ".", "s.", "s", &mark[..mark.len() - 2]] {
            assert_eq!(marks.check(damaged, "e", 7), None, "{damaged}");
        }
    }
}
