//! Waiting for the catalog's database to change.

pub(crate) use slipway_service::database::signal::Signal as Signals;
