//! `slipway run`: one instance of one service, as `slipway-<service>` runs it.

use serde::{Deserialize, Serialize};
use slipway_runtime::command::Options as ServiceOptions;

pub(crate) const EXAMPLES: &str = "\
Examples:
  slipway run registry --data data --listen 127.0.0.1:7000
  slipway run upload --data data --registry http://127.0.0.1:7000 upload.toml
  SLIPWAY_UPLOAD__LOG__FORMAT=json slipway run upload --data data";

/// Run one instance of one service
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    service: Service,
    #[command(flatten)]
    options: ServiceOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Service {
    Registry,
    Upload,
    Signing,
    Catalog,
    Download,
    Gateway,
}

impl Service {
    pub(crate) const ALL: [Self; 6] = [
        Self::Registry,
        Self::Upload,
        Self::Signing,
        Self::Catalog,
        Self::Download,
        Self::Gateway,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Signing => "signing",
            Self::Catalog => "catalog",
            Self::Upload => "upload",
            Self::Download => "download",
            Self::Gateway => "gateway",
        }
    }
}

pub(crate) fn execute(options: &Options) -> anyhow::Result<()> {
    let run = match options.service {
        Service::Registry => slipway_registry::run,
        Service::Signing => slipway_signing::run,
        Service::Catalog => slipway_catalog::run,
        Service::Upload => slipway_upload::run,
        Service::Download => slipway_download::run,
        Service::Gateway => slipway_gateway::run,
    };
    run(&options.options)
}

#[cfg(test)]
mod tests {
    use slipway_contract::services;

    use super::*;

    #[test]
    fn those_of_the_table_can_be_run_in_its_order() {
        assert_eq!(Service::ALL.map(Service::name), services::NAMES);
    }
}
