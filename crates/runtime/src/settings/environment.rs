//! In which environment a process is.

use anyhow::Context as _;
use slipway_configuration::DocumentName;
use slipway_contract::Slug;

/// The variable that says in which environment a process is: all that differs between two installations.
pub const ENVIRONMENT: &str = "SLIPWAY_ENVIRONMENT";
pub(super) const DEFAULT_ENVIRONMENT: &str = "dev";

/// The environment that the variable says.
pub(crate) fn environment() -> anyhow::Result<String> {
    let given = std::env::var(ENVIRONMENT).ok();
    let name = given.filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| DEFAULT_ENVIRONMENT.to_owned());
    let parsed: DocumentName = name.parse().with_context(|| {
        format!("{ENVIRONMENT} is {name:?}, which is no name of an environment")
    })?;
    let is_one = matches!(parsed, DocumentName::Environment(_)) && name.parse::<Slug>().is_ok();
    anyhow::ensure!(
        is_one,
        "{ENVIRONMENT} is {name:?}, which is no name of an environment: write one such as production"
    );
    Ok(name)
}
