//! The one way in which the central configuration is changed.

use slipway_configuration::history::{self, Plan, Proposal, Refused, State};
use slipway_configuration::validation::{self, Schemas};
use slipway_configuration::{Applies, DocumentName};
use slipway_contract::configuration::{Changed, Document};
use slipway_runtime::clock;
use sqlx::AnyConnection;

use crate::central::{Central, number, state_at};
use crate::error::Error;
use crate::store::revisions;

/// Characters of a reason.
const LONGEST_REASON: usize = 500;

/// Whoever may operate the platform, for the history.
pub struct Operator {
    pub(crate) token_id: String,
    pub(crate) token_name: String,
    pub(crate) request_id: String,
}

/// What shall become of the documents.
pub(crate) enum Wanted {
    Documents(Proposal),
    Promotion {
        from: String,
        to: String,
        keys: Vec<String>,
    },
    Rollback(u64),
}

impl Wanted {
    fn action(&self) -> &'static str {
        match self {
            Self::Documents(_) => "changed",
            Self::Promotion { .. } => "promoted",
            Self::Rollback(_) => "rolled_back",
        }
    }
}

/// A change as it was asked for.
pub(crate) struct Asked {
    pub(crate) wanted: Wanted,
    /// The revision that it is based on; `None` where it is made of whatever is there.
    pub(crate) expected: Option<u64>,
    pub(crate) reason: String,
    pub(crate) dry_run: bool,
}

impl Central {
    /// Makes a revision, or says what one would be.
    pub(crate) async fn change(&self, by: &Operator, asked: &Asked) -> Result<Changed, Error> {
        if asked.reason.chars().count() > LONGEST_REASON {
            return Err(Error::ReasonTooLong);
        }
        let opened = self.opened()?;
        let mut transaction = opened.database.write().await?;
        let (head, seen) = revisions::lock(&mut transaction).await?;
        let state = state_at(&mut transaction, head).await?;
        let proposal = proposal(&mut transaction, &state, &asked.wanted).await?;
        let plan = match history::plan(&state, asked.expected, &proposal) {
            Ok(plan) => plan,
            Err(refused) => {
                return repeated(&mut transaction, by, asked, &proposal, refused).await;
            }
        };
        let schemas = self.schemas(&mut transaction).await?;
        self.check(&plan, &schemas)?;
        let mut changed = told(&plan, head.unsigned_abs(), &schemas);
        if asked.dry_run || plan.is_empty() {
            return Ok(changed);
        }
        let row = revisions::Row {
            revision: head.max(seen) + 1,
            made_at: clock::unix_millis(),
            token_id: by.token_id.clone(),
            token_name: by.token_name.clone(),
            request_id: by.request_id.clone(),
            action: asked.wanted.action().to_owned(),
            reason: asked.reason.clone(),
            before: head,
        };
        revisions::insert(&mut transaction, &row, &plan).await?;
        let made = revisions::made(&mut transaction).await?;
        if let Some(oldest) = history::oldest_kept(&made, row.made_at) {
            revisions::forget_before(&mut transaction, number(oldest)).await?;
        }
        transaction.commit().await?;
        (changed.revision, changed.changed) = (row.revision.unsigned_abs(), true);
        self.raise(changed.revision);
        let (revision, by) = (row.revision, &row.token_name);
        tracing::info!(
            revision,
            by,
            action = row.action,
            reason = row.reason,
            "the configuration was changed"
        );
        Ok(changed)
    }

    /// By the schemas of those who take it; and what they share also as this process would read it.
    fn check(&self, plan: &Plan, schemas: &Schemas) -> Result<(), Error> {
        for (name, content) in &plan.changed {
            let Some(content) = content else { continue };
            let shared = Document {
                name: DocumentName::Base.to_string(),
                content: content.clone(),
            };
            validation::check(name, content, schemas)
                .and_then(|()| self.configuration.check(&[shared]))
                .map_err(|refusal| Error::Refused {
                    document: name.to_string(),
                    refusal,
                })?;
        }
        Ok(())
    }
}

async fn proposal(
    db: &mut AnyConnection,
    state: &State,
    wanted: &Wanted,
) -> Result<Proposal, Error> {
    let now = &state.documents;
    match wanted {
        Wanted::Documents(proposal) => Ok(proposal.clone()),
        Wanted::Promotion { from, to, keys } => Ok(history::promote(now, from, to, keys)),
        Wanted::Rollback(revision) => {
            let then = revisions::get(db, number(*revision)).await?;
            let then = then.ok_or(Error::RevisionUnknown(*revision))?;
            let then = revisions::documents(db, then.revision).await?;
            Ok(history::rollback(now, &then))
        }
    }
}

/// A change that was sent once more because its answer was lost: the same token has made the same on the same revision.
async fn repeated(
    db: &mut AnyConnection,
    by: &Operator,
    asked: &Asked,
    proposal: &Proposal,
    refused: Refused,
) -> Result<Changed, Error> {
    let Some(expected) = asked
        .expected
        .filter(|_| matches!(refused, Refused::Moved { .. }))
    else {
        return Err(refused.into());
    };
    let Some(made) = revisions::after(db, number(expected)).await? else {
        return Err(refused.into());
    };
    let before = state_at(db, number(expected)).await?;
    let after = state_at(db, made.revision).await?;
    let plan = history::plan(&before, None, proposal)?;
    let is_same = made.token_id == by.token_id
        && made.reason == asked.reason
        && made.action == asked.wanted.action()
        && history::applied(&before, &plan).documents == after.documents;
    if !is_same {
        return Err(refused.into());
    }
    Ok(told(&plan, after.revision, &Schemas::new()))
}

/// A plan as the answer tells it: nothing of it is done yet.
fn told(plan: &Plan, revision: u64, schemas: &Schemas) -> Changed {
    let keys = plan.differences.iter().flat_map(|(name, differences)| {
        let keys = differences.iter().map(|one| one.key.clone());
        keys.filter(|key| waits(name, key, schemas))
    });
    let mut restart: Vec<_> = keys.collect();
    restart.dedup();
    Changed {
        revision,
        changed: false,
        restart,
        differences: plan.told(),
    }
}

fn waits(name: &DocumentName, key: &str, schemas: &Schemas) -> bool {
    let of = schemas
        .iter()
        .filter(|(service, _)| name.service().is_none_or(|only| only == *service));
    of.flat_map(|(_, schemas)| schemas)
        .any(|schema| schema.knows(key) && schema.applies(key) == Applies::Restart)
}
