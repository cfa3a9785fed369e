//! What a release says of itself to its users.

use std::fs;
use std::path::PathBuf;

use crate::exit::Stop;

/// Characters, as the platform takes them.
const MOST: usize = 64 * 1024;

#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// What is new, in Markdown
    #[arg(long, value_name = "TEXT", conflicts_with = "notes_file")]
    notes: Option<String>,
    /// File that holds what is new
    #[arg(long, value_name = "FILE")]
    notes_file: Option<PathBuf>,
}

impl Options {
    pub(crate) fn read(&self) -> anyhow::Result<Option<String>> {
        let notes = match &self.notes_file {
            Some(path) => {
                let text = fs::read_to_string(path).map_err(|error| {
                    Stop::usage(format!(
                        "could not read the notes from {}: {error}",
                        path.display()
                    ))
                })?;
                Some(text.trim_end().to_owned())
            }
            None => self.notes.clone(),
        };
        if notes
            .as_ref()
            .is_some_and(|notes| notes.chars().count() > MOST)
        {
            let words = "notes are 65,536 characters at most: shorten them";
            return Err(Stop::refused("notes_too_long", words).into());
        }
        Ok(notes)
    }
}
