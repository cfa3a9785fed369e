//! The documents that this version comes with: a new database begins with them, so that an environment has its values with
//! nothing said but its name.

use slipway_configuration::history::{self, Proposal, State};
use slipway_runtime::clock;
use slipway_runtime::settings::sources::parse;
use sqlx::AnyConnection;

use crate::store::revisions;

const DOCUMENTS: [(&str, &str); 4] = [
    ("base", include_str!("../../../deploy/config/base.toml")),
    ("dev", include_str!("../../../deploy/config/dev.toml")),
    (
        "staging",
        include_str!("../../../deploy/config/staging.toml"),
    ),
    (
        "production",
        include_str!("../../../deploy/config/production.toml"),
    ),
];

/// What a new database begins with.
pub(crate) const REVISION: i64 = 1;

fn proposal() -> anyhow::Result<Proposal> {
    let read = |(name, text): (&str, &str)| Ok((name.parse()?, Some(parse(text)?)));
    DOCUMENTS.into_iter().map(read).collect()
}

/// Makes them the first revision.
pub(crate) async fn write(db: &mut AnyConnection) -> anyhow::Result<()> {
    let plan = history::plan(&State::default(), Some(0), &proposal()?)?;
    let row = revisions::Row {
        revision: REVISION,
        made_at: clock::unix_millis(),
        token_id: String::new(),
        token_name: "slipway".to_owned(),
        request_id: String::new(),
        action: "shipped".to_owned(),
        reason: "what the registry comes with".to_owned(),
        before: 0,
    };
    Ok(revisions::insert(db, &row, &plan).await?)
}
