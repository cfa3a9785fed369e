//! The description of the API (`OpenAPI` 3.1), as far as it is no single service's: what every operation may answer, the
//! parameters that many take, and the two documents that all services' descriptions are joined to.
//!
//! What an operation is stands above its handler (`#[utoipa::path]`), and its route is made from the same words
//! (`utoipa_axum::routes!`). So no operation is described that is not there, and none is there without its description.

pub mod answers;
pub mod compatibility;
pub mod document;
pub mod edge;
pub mod parameters;

pub use answers::{
    Bytes, Documents, DraftFile, InternalReading, InternalWriting, Listing, PROBLEM,
    ProblemDocument, Public, Reading, Writing,
};
pub use document::{internal, public};
