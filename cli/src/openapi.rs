//! `slipway openapi`: the description of the API, made from the handlers of all services.

use std::io::{self, Write as _};

use utoipa::openapi::OpenApi;

pub(crate) const EXAMPLES: &str = "\
Examples:
  slipway openapi > openapi.json
  slipway openapi --internal";

/// Print the description of the API (`OpenAPI` 3.1)
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// What services ask each other, in place of what the world is answered
    #[arg(long)]
    internal: bool,
}

pub(crate) fn execute(options: &Options) -> anyhow::Result<()> {
    let document = if options.internal {
        internal()
    } else {
        public()
    };
    writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&document)?)?;
    Ok(())
}

/// What the world is answered through the gateway.
fn public() -> OpenApi {
    slipway_openapi::public(services())
}

/// What services ask each other, and operators at a listener of their own.
fn internal() -> OpenApi {
    slipway_openapi::internal(
        services()
            .into_iter()
            .chain([slipway_openapi::edge::openapi()]),
    )
}

fn services() -> [OpenApi; 5] {
    [
        slipway_catalog::openapi(),
        slipway_upload::openapi(),
        slipway_download::openapi(),
        slipway_signing::openapi(),
        slipway_registry::openapi(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where what is committed stands, and how it is made anew.
    fn check(document: &OpenApi, path: &str, option: &str) {
        let committed = format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"));
        let committed = std::fs::read_to_string(committed).expect("a committed document");
        let made = serde_json::to_string_pretty(document).expect("a document is JSON");
        assert!(
            committed.trim_end() == made,
            "{path} is not what the handlers say: cargo run -p slipway --bin slipway -- openapi{option} > {path}"
        );
    }

    #[test]
    fn the_catalog_serves_the_document_that_the_handlers_make() {
        check(&public(), "services/catalog/openapi.json", "");
    }

    #[test]
    fn the_contracts_of_this_version_are_what_the_handlers_make() {
        let folder = concat!("contracts/", env!("CARGO_PKG_VERSION"));
        check(&public(), &format!("{folder}/public.json"), "");
        check(
            &internal(),
            &format!("{folder}/internal.json"),
            " --internal",
        );
    }
}
