//! `slipway run`: one instance of one service, as `slipway-<service>` runs it.

use slipway_service::process;

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
    options: process::Options,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Service {
    Registry,
    Signing,
    Catalog,
    Upload,
    Download,
    Gateway,
}

impl Service {
    pub(crate) const ALL: [Self; 6] = [
        Self::Registry,
        Self::Signing,
        Self::Catalog,
        Self::Upload,
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

pub(crate) fn execute(options: Options) -> anyhow::Result<()> {
    let run = match options.service {
        Service::Registry => slipway_registry::run,
        Service::Signing => slipway_signing::run,
        Service::Catalog => slipway_catalog::run,
        Service::Upload => slipway_upload::run,
        Service::Download => slipway_download::run,
        Service::Gateway => slipway_gateway::run,
    };
    run(options.options)
}
