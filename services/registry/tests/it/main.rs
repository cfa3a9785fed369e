//! The registry over its real listener, asked by callers that prove who they are.

mod beats;
mod fixture;
mod fleet;
mod refusals;
mod watching;
