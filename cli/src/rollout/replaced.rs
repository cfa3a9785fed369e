//! The fleet whose instances are replaced: that of `slipway up`, or the containers of a Compose project.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use slipway_runtime::data::DataDir;

use super::compare::Asker;
use super::look::Look;
use super::rules::plan::Target;
use super::rules::progress::Progress;
use crate::fleet::wanted::Wanted;
use crate::run::Service;

/// What a person has asked for.
pub(super) struct Wish<'a> {
    pub(super) to: &'a str,
    pub(super) service: Option<Service>,
    /// Also programs that are in no signed release.
    pub(super) unsigned: bool,
}

pub(super) trait Fleet {
    /// What a person is told while nobody keeps it running.
    const AWAY: &'static str;
    const LOOK_AGAIN: Duration;

    /// Where the roll-out is kept.
    fn data(&self) -> &DataDir;

    /// By whom its processes are asked as their neighbours ask them. What is to run was said before.
    async fn asker(&mut self) -> Result<Arc<Asker>>;

    /// What is to run instead, once it was found to be there and permitted.
    async fn target(&self, wish: &Wish<'_>) -> Result<Target>;

    /// What runs before a roll-out begins.
    async fn now(&self) -> Result<Wanted>;

    /// Says what is to run from here on. It is done meanwhile, and seen by [`Fleet::look`].
    async fn want(&mut self, progress: &Progress) -> Result<()>;

    /// What runs; none while nobody keeps it running.
    async fn look(&mut self, progress: &Progress) -> Result<Option<Look>>;

    /// What a person has to do when a roll-out has ended, in lines.
    async fn afterwards(&self, ended: &Progress) -> Result<Vec<String>>;
}
