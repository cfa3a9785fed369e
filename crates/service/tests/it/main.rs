//! The house from outside: its edge, its accept loop and its calls between services.

mod calls;
mod database;
mod edge;
mod serve;
