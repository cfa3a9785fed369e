//! One file and what it is sent as.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_contract::{Slug, Version};

use super::package::Package;

/// What the platform is to do with it.
#[derive(Clone, Copy)]
pub(super) enum Goal<'a> {
    /// Publish it.
    Channel(&'a Slug),
    /// Keep it in the draft of this version.
    Draft(&'a Version),
}

pub(super) struct Publication<'a> {
    pub(super) package: &'a Package,
    pub(super) app: &'a Slug,
    pub(super) goal: Goal<'a>,
    /// Names and values, as a query has them.
    pub(super) parameters: Vec<(&'static str, String)>,
}

impl Publication<'_> {
    /// `Upload-Metadata` of tus 1.0.
    pub(super) fn metadata(&self) -> String {
        let file = [
            ("filename", self.package.name.as_str()),
            ("sha256", &self.package.sha256),
        ];
        let parameters = self.parameters.iter();
        let parameters = parameters.map(|(name, value)| (*name, value.as_str()));
        let pairs = file.into_iter().chain(parameters);
        let pairs = pairs.map(|(name, value)| format!("{name} {}", STANDARD.encode(value)));
        pairs.collect::<Vec<_>>().join(",")
    }
}
