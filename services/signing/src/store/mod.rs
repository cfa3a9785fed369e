//! Every query, one file per table, as functions over a connection: the caller opens and commits the transaction.

pub(crate) mod keys;
pub(crate) mod sealing;
pub(crate) mod statements;
