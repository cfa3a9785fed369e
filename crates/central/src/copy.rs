//! The copy of the catalog's tokens: who may change the configuration is decided with the catalog gone.

use slipway_contract::feed::{Change, Row};
use slipway_contract::losses::Known;
use slipway_database::Database;
use slipway_database::replica::copy::Replica;
use sqlx::AnyConnection;

use crate::store::tokens;

pub(crate) struct Copy {
    pub(crate) database: Database,
    /// The registry's.
    pub(crate) version: &'static str,
}

impl Replica for Copy {
    const POSITION: &'static str = "copy_position";

    fn database(&self) -> &Database {
        &self.database
    }

    fn version(&self) -> &'static str {
        self.version
    }

    async fn clear(db: &mut AnyConnection) -> sqlx::Result<()> {
        tokens::clear(db).await
    }

    async fn known(&self) -> sqlx::Result<Known> {
        let tokens = tokens::all(&mut *self.database.read().await?).await?;
        // One that cannot be read permits nothing, so nothing is lost with it.
        let grants = tokens
            .into_iter()
            .filter_map(|(hash, permits)| Some((hash, serde_json::from_str(&permits).ok()?)));
        Ok(Known {
            tokens: grants.collect(),
            ..Known::default()
        })
    }

    async fn put(db: &mut AnyConnection, change: &Change) -> sqlx::Result<()> {
        match &change.row {
            Row::Token(token) => tokens::put(db, &token.hash, &token.grant, change.seq).await,
            // Whatever else is published is nothing to a registry.
            Row::App(_) | Row::Release(_) | Row::Package(_) | Row::Unknown => Ok(()),
        }
    }
}
