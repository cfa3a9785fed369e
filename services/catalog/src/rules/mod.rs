//! The rules: from facts, and the time where it matters, to an effect or a refusal. No HTTP and no SQL: who asks reads the
//! facts and writes the effect in one transaction.

pub(crate) mod channel;
pub(crate) mod choice;
pub(crate) mod delivery;
pub(crate) mod draft;
pub(crate) mod feed;
pub(crate) mod given;
pub(crate) mod history;
pub(crate) mod publishing;
pub(crate) mod quota;
pub(crate) mod release;
pub(crate) mod removal;
pub(crate) mod restore;
pub(crate) mod state;
pub(crate) mod text;
pub(crate) mod token;
