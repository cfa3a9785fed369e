//! Databases of both engines.

mod database;
mod queue;
