//! How a run ends, for scripts: a code for each thing that a script would do differently.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::server::failure::{Failure, Problem};

pub(crate) const CODES: &str = "\
Exit codes: 0 done; 1 failed, or not proven; 2 wrong usage: options, no token, a file that cannot be read; 3 refused, also
the token; 4 there already, and other than this; 5 the platform is away or busy: run it again later.";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It failed, or a file is not proven.
    Failed = 1,
    /// Options, the token, or a file that cannot be read: also clap's code.
    Usage = 2,
    /// The platform refuses it, or would.
    Refused = 3,
    /// The name is taken by something else that never changes.
    AlreadyThere = 4,
    /// The platform cannot be reached or is busy: the same may succeed later.
    Away = 5,
}

/// An end that this command decided on itself.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
pub(crate) struct Stop {
    exit: Exit,
    /// As the platform would name it.
    code: String,
    words: String,
}

impl Stop {
    pub(crate) fn usage(words: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", words)
    }

    pub(crate) fn refused(code: &str, words: impl Into<String>) -> Self {
        Self::new(Exit::Refused, code, words)
    }

    /// What the platform has refused after everything was sent, by its code or its state.
    pub(crate) fn of_code(code: String, words: String) -> Self {
        let exit = Exit::of_code(&code);
        Self { exit, code, words }
    }

    pub(crate) fn new(exit: Exit, code: &str, words: impl Into<String>) -> Self {
        let (code, words) = (code.to_owned(), words.into());
        Self { exit, code, words }
    }
}

/// Codes of the platform that say: there already, and other than what was sent.
const TAKEN: [&str; 6] = [
    "app_exists",
    "deleted",
    "release_deleted",
    "release_published",
    "version_exists",
    "yanked",
];

impl Exit {
    /// The code for a failure: what was decided in the command, else what the platform said.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if let Some(stop) = find::<Stop>(error) {
            return stop.exit;
        }
        if let Some(problem) = find::<Problem>(error) {
            return Self::of_problem(problem);
        }
        match find::<Failure>(error) {
            Some(Failure::Refused(problem)) => Self::of_problem(problem),
            Some(failure) if failure.passes() => Self::Away,
            Some(_) | None => Self::Failed,
        }
    }

    fn of_problem(problem: &Problem) -> Self {
        if problem.passes() {
            Self::Away
        } else {
            Self::of_code(&problem.code)
        }
    }

    fn of_code(code: &str) -> Self {
        if TAKEN.contains(&code) {
            Self::AlreadyThere
        } else {
            Self::Refused
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What clap says of a command line, as `--json` prints it.
pub(crate) fn usage_document(error: &clap::Error) -> Value {
    let words = error.to_string();
    // Its first paragraph; how the command is used comes after.
    let words = words.split("\n\n").next().unwrap_or_default();
    let words = words.strip_prefix("error: ").unwrap_or(words);
    document(&Stop::usage(words).into())
}

/// A failure for programs, as `--json` prints it.
pub(crate) fn document(error: &anyhow::Error) -> Value {
    let problem = match find::<Failure>(error) {
        Some(Failure::Refused(problem)) => Some(problem),
        _ => find::<Problem>(error),
    };
    let code = problem
        .map(|problem| problem.code.clone())
        .or_else(|| find::<Stop>(error).map(|stop| stop.code.clone()))
        .or_else(|| Some(find::<Failure>(error)?.name().to_owned()));
    json!({"error": {
        "exit": Exit::of(error) as u8,
        "code": code,
        "status": problem.map(|problem| problem.status.as_u16()),
        "request_id": problem.and_then(|problem| problem.request_id.clone()),
        "detail": format!("{error:#}"),
    }})
}

fn find<T: std::error::Error + 'static>(error: &anyhow::Error) -> Option<&T> {
    error.chain().find_map(|cause| cause.downcast_ref::<T>())
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn what_was_said_around_a_failure_does_not_hide_what_it_was() {
        let stop = Err::<(), _>(Stop::refused("app_unknown", "words")).context("around it");
        let error = stop.expect_err("a failure");
        assert_eq!(Exit::of(&error), Exit::Refused);
        assert_eq!(document(&error)["error"]["code"], "app_unknown");
        assert_eq!(document(&error)["error"]["detail"], "around it: words");
        let deleted = Stop::of_code("release_deleted".to_owned(), "words".to_owned());
        assert_eq!(Exit::of(&deleted.into()), Exit::AlreadyThere);
        let strange = anyhow::Error::new(Failure::Strange).context("around it");
        assert_eq!(Exit::of(&strange), Exit::Failed);
        assert_eq!(document(&strange)["error"]["code"], "no_platform");
        let away = anyhow::Error::new(Failure::Stalled(std::time::Duration::ZERO));
        assert_eq!(Exit::of(&away), Exit::Away);
        assert_eq!(document(&away)["error"]["code"], "broken");
    }
}
