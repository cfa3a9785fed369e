//! `slipway publish`: packages from a developer's disk to what users can download and prove.
//!
//! What can be refused is refused before a byte is sent, and an app is made only after that. The bytes travel by tus, so a
//! killed or disconnected run loses nothing: run again, it asks how much is there and goes on. What was sent to the end
//! is published by the platform alone; this command only waits to tell. Several files go into the draft of their
//! version one after the other, and then one request publishes exactly them: users see all of them or none.

mod app;
mod judgement;
mod options;
pub(crate) mod outcome;
pub(crate) mod package;
mod plan;
pub(crate) mod preflight;
mod publication;
pub(crate) mod report;
mod resume;
mod upload;

use crate::server::block_on;
pub(crate) use options::Options;
use plan::Plan;

pub(crate) const EXAMPLES: &str = "\
Examples:
  SLIPWAY_TOKEN=slw_… slipway publish notes.apk --app notes
  slipway publish notes.apk --app notes --channel beta --token-file data/admin-token --create
  slipway publish notes.apk notes.deb Notes.msi --app notes --version 1.2.0 --notes-file CHANGES.md
  slipway publish Notes.dmg --app notes --version 1.2.0 --draft
    (each job of a matrix; then, once: slipway release 1.2.0 --app notes)

A run that was interrupted goes on when it is run again.";

pub(crate) fn execute(options: &Options) -> anyhow::Result<()> {
    let server = options.connection.open()?;
    let plan = Plan::read(options)?;
    let report = block_on(plan.publish(&server))?;
    report.tell(options.output);
    Ok(())
}
