//! The registry over its real listener, asked by callers that prove who they are.

mod beats;
mod earlier;
mod fixture;
mod fleet;
mod refusals;
mod watching;
