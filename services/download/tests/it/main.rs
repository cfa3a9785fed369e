//! The service as its users see it: the whole router with its edge, on both engines, with files in the store.

mod breaking;
mod choosing;
mod copying;
mod counting;
mod earlier;
mod fetching;
mod fixture;
mod following;
mod holding;
mod offering;
mod paging;
mod showing;
mod staging;
mod versions;
