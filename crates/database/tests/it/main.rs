//! Databases of both engines.

mod database;
