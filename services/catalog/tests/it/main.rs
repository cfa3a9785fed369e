//! The catalog behind its edge, on both engines, with stand-ins for the services that it asks.

mod apps;
mod audit;
mod blocks;
mod channels;
mod client;
mod database;
mod deliveries;
mod download_peer;
mod downloads;
mod feed;
mod gate;
mod house;
mod idempotency;
mod jobs;
mod lists;
mod minisign;
mod openapi;
mod refusals;
mod releases;
mod restore;
mod signing;
mod signing_peer;
mod store;
mod tokens;
mod waiting;
mod yank;
