//! Why a request is refused, as the rules say it: facts, without HTTP. [`crate::error`] has their statuses, codes and words.

use serde::Serialize;
use slipway_contract::grant::TokenRefusal;
use slipway_contract::quota::QuotaExceeded;
use slipway_contract::shown::TextError;

use crate::rules::state::State;

/// One of all refusals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    App(App),
    Channel(Channel),
    Delivery(Delivery),
    Draft(Draft),
    Package(Package),
    /// The token does not permit it.
    Permission(TokenRefusal),
    Quota(QuotaExceeded),
    Release(Release),
    Request(Request),
    Restore(Restore),
    Text(Text),
    Token(Token),
    Version(Version),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum App {
    Unknown(String),
    Deleted(String),
    Exists(String),
    /// Its slug stays taken, so no other is made under it.
    SlugOfDeleted(String),
    /// Why it is no slug of a new app.
    SlugRefused(String),
    /// The slug that has to be typed again.
    NotConfirmed(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// Why it is no name of a channel.
    Invalid(String),
    Unknown {
        channel: String,
        nearest: Option<String>,
        /// Names of channels that there are.
        there: Vec<String>,
    },
    /// It would not become the newest: higher ones are there, or on their way.
    Newer {
        channel: String,
        version: String,
        /// Versions, highest first, each with its state.
        newer: Vec<(String, State)>,
    },
    NotEmpty {
        channel: String,
        /// Versions.
        filling: Vec<String>,
    },
}

/// Why what upload delivers is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Wrong {
        field: &'static str,
        why: String,
    },
    /// Not final: a catalog of a later version takes it.
    Unknown {
        field: &'static str,
        word: String,
    },
    /// Not final either: it has a form that another version reads. Why this one does not.
    Unreadable(String),
    TokenUnknown,
    TokenMayNotUpload,
    /// The intent alone: the package is kept.
    Intent {
        version: String,
        channel: String,
        why: String,
    },
    /// The id of a package that is there as another one.
    Differs(String),
    /// The id of a package that has another list of blocks.
    OtherBlocks(String),
    /// Why it is no digest.
    DigestInvalid(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Draft {
    /// It takes no other file: it is on its way, or was.
    Closed {
        version: String,
        filename: String,
    },
    /// It holds files of other tokens, and is not deleted for one of them.
    NotYours(String),
    Empty(String),
    /// It holds files of other tokens, and is not released for one of them.
    Mixed {
        app: String,
        version: String,
        /// Each with the tokens whose it is.
        others: Vec<String>,
        files: Vec<Listed>,
    },
    /// A file that was named is not what lies there.
    Differs {
        version: String,
        filename: String,
        wanted: String,
        /// The SHA-256 of what lies there.
        found: Option<String>,
        files: Vec<Listed>,
    },
    /// What is odd about it, for who wants to be refused then.
    Odd(Vec<String>),
}

/// What a version has already, and never otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Taken {
        given: String,
        taken: String,
    },
    DraftedOtherwise {
        given: String,
        drafted: String,
    },
    OtherBytes {
        version: String,
        filename: String,
    },
    OtherSpelling {
        version: String,
        there: String,
    },
    OthersFile {
        version: String,
        filename: String,
        owners: String,
    },
    /// Signing has begun, so its files are fixed.
    Fixed(String),
}

/// A file of a draft as a refusal lists it, in the form in which it can be named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Listed {
    pub(crate) filename: String,
    /// SHA-256 in hex.
    pub(crate) sha256: String,
    pub(crate) platform: String,
    /// Names of the tokens that put it there; `None` of an earlier version, which did not note them.
    pub(crate) token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Package {
    Unknown(String),
    /// It was deleted, or another was put in its place.
    Gone(String),
    /// It belongs to a release already.
    Taken(String),
    /// Names of the tokens that put it there.
    Others(String),
    /// Its release is no draft.
    Fixed {
        version: String,
        state: State,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    Unknown(String),
    Released(String),
    Yanked(String),
    Deleted(String),
    /// It was published, and only an administrator takes it from users for ever.
    NeedsAdmin(String),
    /// It is not in the state that the change needs.
    Is {
        version: String,
        state: State,
        need: Need,
    },
    Failed {
        version: String,
        reason: String,
    },
    /// A later version wrote its state: nothing is done to it here.
    StateUnknown {
        version: String,
        state: String,
    },
}

/// The state that a change of a release needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// And what only a published release can be.
    Published(&'static str),
    Yanked,
    Failed,
}

/// What is wrong with a request by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    KeyInvalid,
    KeyReused,
    /// Names of what could be changed.
    NothingToChange(&'static str),
    ReasonMissing {
        /// Whether users may take it again.
        again: bool,
    },
    ChoiceAmbiguous,
    StateUnknown(String),
    QuotaInvalid,
    /// Of the feed.
    QueryInvalid(&'static str),
    /// Who counts is away.
    DownloadAway,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restore {
    /// Nothing is changed before somebody decides.
    Held,
    /// Nobody can say whether the token was revoked since.
    TokenDoubted,
    NotHeld,
    /// Another database is there than the one that was looked at.
    Changed,
    /// What was applied is beyond the feed, and no mark shows that it was given.
    MarkInvalid,
}

/// Words that are not kept as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Name {
        /// Whose name.
        of: &'static str,
        why: TextError,
    },
    /// Notes or a reason.
    Prose(TextError),
    Version(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// There is none with this id.
    Unknown,
    ScopesEmpty,
    ExpiryRefused,
    LastAdministrator,
}

macro_rules! one_of_all {
    ($($kind:ident($refused:ty)),* $(,)?) => {$(
        impl From<$refused> for Refusal {
            fn from(refused: $refused) -> Self {
                Self::$kind(refused)
            }
        }
    )*};
}

one_of_all!(
    App(App),
    Channel(Channel),
    Delivery(Delivery),
    Draft(Draft),
    Package(Package),
    Release(Release),
    Request(Request),
    Restore(Restore),
    Text(Text),
    Token(Token),
    Version(Version),
    Permission(TokenRefusal),
    Quota(QuotaExceeded),
);
