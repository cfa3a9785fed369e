//! What the bytes of a package may be, however they come.

use slipway_contract::Digest;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A package may have so many bytes.
    TooLarge {
        most: u64,
    },
    Empty,
    /// It ended early.
    Cut,
    /// It took too long.
    Late,
    /// The SHA-256 that was announced and that of what arrived; `None` of other algorithms.
    DigestMismatch(Option<(Digest, Digest)>),
    DiskFull,
    /// The sweep does not let go of the store.
    StoreBusy,
}

/// `most` and `bytes`: of a package.
pub(crate) fn check_size(most: u64, bytes: u64) -> Result<(), Refusal> {
    if bytes > most {
        return Err(Refusal::TooLarge { most });
    }
    Ok(())
}

/// The same of a package that is announced with its bytes, or without; one without any is none.
pub(crate) fn check_announced(most: u64, announced: Option<u64>) -> Result<(), Refusal> {
    match announced {
        Some(0) => Err(Refusal::Empty),
        announced => check_size(most, announced.unwrap_or(0)),
    }
}

/// Refuses other bytes than those that were announced.
pub(crate) fn check_digest(expected: Option<Digest>, received: Digest) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != received => {
            Err(Refusal::DigestMismatch(Some((expected, received))))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    proptest! {
        #[test]
        fn what_is_announced_is_what_may_come(most in any::<u64>(), bytes in any::<u64>()) {
            assert_eq!(check_size(most, bytes).is_ok(), bytes <= most);
            let announced = check_announced(most, Some(bytes));
            assert_eq!(announced.is_ok(), bytes > 0 && bytes <= most);
            // Who does not say how many come is held to it while they do.
            assert_eq!(check_announced(most, None), Ok(()));
        }
    }

    #[test]
    fn other_bytes_than_announced_are_refused() {
        let (one, other) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
        assert_eq!(check_digest(None, one), Ok(()));
        assert_eq!(check_digest(Some(one), one), Ok(()));
        assert_eq!(
            check_digest(Some(one), other),
            Err(Refusal::DigestMismatch(Some((one, other))))
        );
    }
}
