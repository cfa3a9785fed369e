//! `slipway run`: one instance of one service, as `slipway-<service>` runs it.

use slipway_catalog::Catalog;
use slipway_download::Download;
use slipway_gateway::Gateway;
use slipway_registry::Registry;
use slipway_service::process;
use slipway_signing::Signing;
use slipway_upload::Upload;

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
        Service::Registry => process::run::<Registry>,
        Service::Signing => process::run::<Signing>,
        Service::Catalog => process::run::<Catalog>,
        Service::Upload => process::run::<Upload>,
        Service::Download => process::run::<Download>,
        Service::Gateway => process::run::<Gateway>,
    };
    run(options.options)
}
