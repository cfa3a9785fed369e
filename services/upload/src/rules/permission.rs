//! What the copy of the catalog's state says of an app, for who may upload to it. What a token permits is the rule of
//! [`Grant`](slipway_contract::grant::Grant), which the catalog has too.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The copy is that of an earlier time: it would let in whose token was revoked since.
    NotReady,
    AppUnknown(String),
    AppDeleted(String),
}

/// What the copy has of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum App {
    /// Nothing.
    Unknown,
    There,
    Deleted,
}

impl App {
    /// By whether the copy has it as deleted; `None` when it does not have it.
    pub(crate) fn of(deleted: Option<bool>) -> Self {
        match deleted {
            None => Self::Unknown,
            Some(false) => Self::There,
            Some(true) => Self::Deleted,
        }
    }
}

/// Refuses to decide by a copy that is behind.
pub(crate) fn check_copy(is_behind: bool) -> Result<(), Refusal> {
    if is_behind {
        return Err(Refusal::NotReady);
    }
    Ok(())
}

/// Refuses a request for an app that is not there.
pub(crate) fn check_app(app: App, slug: &str) -> Result<(), Refusal> {
    match app {
        App::Unknown => Err(Refusal::AppUnknown(slug.to_owned())),
        App::There => Ok(()),
        App::Deleted => Err(Refusal::AppDeleted(slug.to_owned())),
    }
}

/// Refuses to keep what came for an app that was deleted meanwhile. One that the copy does not have any more may be in the
/// next copy, so that is no reason to throw away what came.
pub(crate) fn check_app_still(app: App, slug: &str) -> Result<(), Refusal> {
    match app {
        App::Unknown | App::There => Ok(()),
        App::Deleted => Err(Refusal::AppDeleted(slug.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_has_to_be_there_before_and_must_not_be_deleted_meanwhile() {
        let slug = || "notes".to_owned();
        assert_eq!(
            check_app(App::Unknown, "notes"),
            Err(Refusal::AppUnknown(slug()))
        );
        assert_eq!(check_app_still(App::Unknown, "notes"), Ok(()));
        for check in [check_app, check_app_still] {
            assert_eq!(check(App::There, "notes"), Ok(()));
            assert_eq!(
                check(App::Deleted, "notes"),
                Err(Refusal::AppDeleted(slug()))
            );
        }
        assert_eq!(check_copy(true), Err(Refusal::NotReady));
        assert_eq!(check_copy(false), Ok(()));
    }
}
