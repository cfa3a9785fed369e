//! `slipway accept-restore`: the administrator's word that an older database of the catalog is to be the truth.

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use slipway_contract::held::Loss;

use crate::server::{Connection, Server, block_on};
use crate::terminal;

pub(crate) const EXAMPLES: &str = "\
Examples:
  slipway accept-restore --token-file data/admin-token
  slipway accept-restore --token-file data/admin-token --server https://apps.example.org
  SLIPWAY_TOKEN=slw_… slipway accept-restore --yes

It lists what would vanish or return, and asks once. To keep all of it, put the newer database back instead.";

/// Accept an older database of the catalog that was put back
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    connection: Connection,
    /// Accept without asking, for scripts
    #[arg(long)]
    yes: bool,
}

/// `GET /api/v1/restore`
#[derive(Deserialize)]
struct Restore {
    held: bool,
    epoch: Option<String>,
    losses: Vec<Loss>,
    count: usize,
    away: Vec<String>,
}

#[derive(Deserialize)]
struct Accepted {
    pending: Vec<String>,
}

pub(crate) fn execute(options: &Options) -> anyhow::Result<()> {
    let server = options.connection.open()?;
    block_on(accept(&server, options.yes))
}

async fn accept(server: &Server, yes: bool) -> anyhow::Result<()> {
    let restore = server.json(Method::GET, "/api/v1/restore", None).await?;
    let restore: Restore = serde_json::from_value(restore).context("an answer not known here")?;
    let (true, Some(epoch)) = (restore.held, &restore.epoch) else {
        terminal::say("nothing waits to be accepted: no older database was put back");
        return Ok(());
    };
    for line in lines(&restore) {
        terminal::say(line);
    }
    if !yes && !asked()? {
        bail!("nothing was accepted, and nothing has changed");
    }
    let publication = json!({"epoch": epoch});
    let accepted = server
        .json(Method::POST, "/api/v1/restore/accept", Some(&publication))
        .await?;
    let accepted: Accepted =
        serde_json::from_value(accepted).context("an answer not known here")?;
    terminal::say("accepted: the catalog's database is the truth again, and changes go on");
    for instance in accepted.pending {
        terminal::say(format_args!(
            "{instance} has not taken it over yet; it will"
        ));
    }
    Ok(())
}

/// What is told before the question.
fn lines(restore: &Restore) -> Vec<String> {
    let mut lines = vec![
        "the catalog's database is older than what its followers have, and nothing is changed now"
            .to_owned(),
    ];
    for loss in &restore.losses {
        let app = loss.app.as_deref().unwrap_or("-");
        lines.push(format!(
            "  {app:<20} {:<38} {}",
            loss.subject,
            words(&loss.what)
        ));
    }
    let hidden = restore.count.saturating_sub(restore.losses.len());
    if hidden > 0 {
        lines.push(format!("  and {hidden} more"));
    }
    if restore.count == 0 {
        lines.push(
            "  no published release, key, yank, roll-back or revocation would be undone".to_owned(),
        );
    }
    for service in &restore.away {
        lines.push(format!(
            "  {service} does not answer, so what it would lose is not listed"
        ));
    }
    lines
}

/// A code of a loss in words; a later one is told as it is.
fn words(what: &str) -> &str {
    match what {
        "release_lost" => "the release vanishes",
        "files_changed" => "the release's files vanish or change",
        "yank_lifted" => "the yank is undone",
        "deletion_lifted" => "the deletion is undone",
        "roll_back_lifted" => "the release is back in a channel that it left",
        "restriction_lifted" => "what kept it back is undone",
        "key_lost" => "the app's key vanishes",
        "key_changed" => "the app's key is another one",
        "revocation_lifted" => "the token's revocation is undone",
        "scopes_widened" | "app_widened" => "the token permits more",
        "expiry_extended" => "the token is good for longer",
        other => other,
    }
}

fn asked() -> anyhow::Result<bool> {
    let asked = terminal::ask("accept all of this?");
    asked.context("nobody can be asked here: add --yes to accept it all the same")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_would_be_undone_is_told_and_what_is_not_known_too() {
        let restore = json!({
            "held": true, "epoch": "e", "count": 3, "away": ["download"],
            "losses": [
                {"app": "notes", "subject": "1.0", "what": "release_lost"},
                {"app": null, "subject": "id", "what": "later_code"},
            ],
        });
        let told = lines(&serde_json::from_value(restore).expect("an answer")).join("\n");
        for part in [
            "notes",
            "1.0",
            "vanishes",
            "later_code",
            "and 1 more",
            "download does not",
        ] {
            assert!(told.contains(part), "{told}");
        }
    }
}
