//! The service as a whole, on both engines, beside a catalog that the test plays.

mod bodies;
mod catalog;
mod deleting;
mod drafts;
mod earlier;
mod fixture;
mod forms;
mod inspecting;
mod listing;
mod packages;
mod permitting;
mod quotas;
mod restoring;
mod running_on;
mod sweeping;
mod terms;
mod tolerating;
mod uploads;
mod versions;
mod waiting;
