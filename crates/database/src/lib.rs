//! Databases: one set of SQL for SQLite and PostgreSQL ([`Database`]), the copy that a service keeps of the catalog's state
//! ([`replica`]), and what an error of a database is to whoever asks ([`fault`]).

mod born;
pub mod columns;
mod damage;
pub mod fault;
mod pool;
pub mod queue;
pub mod replica;
pub mod signal;
pub mod version_keys;

pub use pool::Database;
