//! The service as its users see it: the whole router with its edge, on both engines, with files in the store.

mod copying;
mod counting;
mod fetching;
mod following;
mod staging;
mod world;
