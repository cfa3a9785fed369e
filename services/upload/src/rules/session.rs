//! An upload in pieces: how long it lives, what a piece may be, and what counts of it.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is none, or it is another token's.
    Unknown,
    Expired,
    /// Its bytes are gone.
    BytesGone,
    /// An earlier request does not let go of it.
    Busy,
    /// A token has so many open.
    TooMany(i64),
    OffsetDiffers {
        /// Where it goes on.
        received: u64,
    },
    /// More bytes than were announced.
    BeyondTheEnd {
        size: u64,
    },
    ChecksumMismatch,
    Cut,
    Late,
    TakenOver,
}

impl Refusal {
    /// Whether a piece was refused as one of which nothing counts.
    pub(crate) fn is_void(&self) -> bool {
        matches!(self, Self::BeyondTheEnd { .. } | Self::ChecksumMismatch)
    }
}

/// When a session expires that lives for `life` from `now` on, all in Unix milliseconds: never after its token.
pub(crate) fn expiry(now: i64, life: i64, token_expires_at: Option<i64>) -> i64 {
    let end = now.saturating_add(life);
    token_expires_at.map_or(end, |token| end.min(token))
}

pub(crate) fn check_alive(expires_at: i64, now: i64) -> Result<(), Refusal> {
    if expires_at <= now {
        return Err(Refusal::Expired);
    }
    Ok(())
}

/// What there is of a session for who holds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct There {
    pub(crate) has_file: bool,
    /// All bytes are there, and their digest is noted.
    pub(crate) is_whole: bool,
    pub(crate) is_package: bool,
}

/// Refuses a session that nobody can go on with. One that is whole may have lost its file to the store.
pub(crate) fn check_there(there: There) -> Result<(), Refusal> {
    if there.has_file || there.is_whole || there.is_package {
        return Ok(());
    }
    Err(Refusal::BytesGone)
}

/// Refuses a piece before any of it is read: it goes on where the session is, and not beyond its size.
pub(crate) fn check_piece(
    (received, size): (u64, u64),
    offset: u64,
    announced: u64,
) -> Result<(), Refusal> {
    if offset != received {
        return Err(Refusal::OffsetDiffers { received });
    }
    if announced > size.saturating_sub(received) {
        return Err(Refusal::BeyondTheEnd { size });
    }
    Ok(())
}

/// Why a body came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    Cut,
    TakenOver,
    /// It came too slowly.
    Late,
    /// It brings more than was announced.
    TooMuch,
    /// Its token ended.
    TokenEnded,
    /// The disk refuses more.
    Disk,
}

/// A piece that came to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) end: End,
    /// Whether it was sent with a checksum.
    pub(crate) is_checked: bool,
    /// Whether it has the checksum that it was sent with.
    pub(crate) fits: bool,
    /// Whether the disk took all that came.
    pub(crate) is_written: bool,
}

/// What counts of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counts {
    /// What was noted while it came: a file that is cut to its announced size is not the file, and the next writer cuts off
    /// the rest.
    Noted,
    /// Nothing: before bytes are verified they do not count.
    Nothing,
    /// All that came.
    All,
}

pub(crate) fn counts(piece: Ended) -> Counts {
    if piece.end == End::TooMuch {
        return Counts::Noted;
    }
    let is_proven = piece.end == End::Whole && piece.is_written && piece.fits;
    if piece.is_checked && !is_proven {
        return Counts::Nothing;
    }
    Counts::All
}

/// What a client is told of a piece that ended like this; `None` where the end is another's to tell, or none.
pub(crate) fn refusal(end: End, size: u64) -> Option<Refusal> {
    match end {
        End::Whole | End::TokenEnded | End::Disk => None,
        End::Cut => Some(Refusal::Cut),
        End::Late => Some(Refusal::Late),
        End::TakenOver => Some(Refusal::TakenOver),
        End::TooMuch => Some(Refusal::BeyondTheEnd { size }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

    use super::*;

    fn end() -> impl Strategy<Value = End> {
        prop_oneof![
            Just(End::Whole),
            Just(End::Cut),
            Just(End::TakenOver),
            Just(End::Late),
            Just(End::TooMuch),
            Just(End::TokenEnded),
            Just(End::Disk),
        ]
    }

    proptest! {
        #[test]
        fn a_session_never_outlives_its_token(
            now in any::<i64>(),
            life in 0..=i64::MAX,
            token in any::<Option<i64>>(),
        ) {
            let expires_at = expiry(now, life, token);
            assert!(token.is_none_or(|token| expires_at <= token));
            assert!(expires_at <= now.saturating_add(life));
            assert_eq!(check_alive(expires_at, now).is_ok(), expires_at > now);
        }

        #[test]
        fn a_piece_goes_on_where_the_session_is_and_ends_in_it(
            received in any::<u64>(),
            size in any::<u64>(),
            offset in any::<u64>(),
            announced in any::<u64>(),
        ) {
            for offset in [offset, received] {
                let checked = check_piece((received, size), offset, announced);
                let fits = received.checked_add(announced).is_some_and(|end| end <= size);
                assert_eq!(checked.is_ok(), offset == received && (fits || announced == 0));
            }
        }

        #[test]
        fn of_a_piece_with_a_checksum_nothing_counts_before_it_is_proven(
            end in end(),
            is_checked in any::<bool>(),
            fits in any::<bool>(),
            is_written in any::<bool>(),
        ) {
            let piece = Ended { end, is_checked, fits, is_written };
            let proven = end == End::Whole && fits && is_written;
            match counts(piece) {
                Counts::All => assert!(!is_checked || proven),
                Counts::Nothing => assert!(is_checked && !proven),
                Counts::Noted => assert_eq!(end, End::TooMuch),
            }
            // What came without one stays, however it ended: a line that breaks does not cost what it has brought.
            if !is_checked && end != End::TooMuch {
                assert_eq!(counts(piece), Counts::All);
            }
        }
    }

    #[test]
    fn only_what_counts_for_nothing_ends_a_creation() {
        let void = |end| refusal(end, 5).is_some_and(|refusal| refusal.is_void());
        assert!(void(End::TooMuch));
        assert!(Refusal::ChecksumMismatch.is_void());
        for end in [End::Whole, End::Cut, End::TakenOver, End::Late, End::Disk] {
            assert!(!void(end), "{end:?}");
        }
    }

    #[test]
    fn a_whole_session_may_have_lost_its_file_to_the_store() {
        let check = |has_file, is_whole, is_package| {
            check_there(There {
                has_file,
                is_whole,
                is_package,
            })
        };
        assert_eq!(check(false, false, false), Err(Refusal::BytesGone));
        assert_eq!(check(true, false, false), Ok(()));
        assert_eq!(check(false, true, false), Ok(()));
        assert_eq!(check(false, false, true), Ok(()));
    }
}
