//! What is told of a release, to people and to programs.

use serde::Serialize;
use serde_json::{Value, json};
use slipway_contract::Slug;
use slipway_contract::public::Release;

use crate::server::Server;
use crate::server::failure::Failure;
use crate::terminal::{self, Output};

#[derive(Serialize)]
pub(crate) struct Report {
    app: String,
    version: String,
    /// `published` or `draft`.
    state: String,
    /// The channel that was asked for; `null` for a draft.
    channel: Option<String>,
    channels: Vec<String>,
    page: String,
    key: String,
    files: Vec<File>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct File {
    filename: String,
    sha256: String,
    /// Bytes.
    size: i64,
    kind: String,
    platform: String,
    arch: String,
    /// Where it is downloaded once it is published.
    url: Option<String>,
    signature: Option<String>,
    /// Those of this file, which are in the whole's too.
    warnings: Vec<String>,
}

impl Report {
    pub(crate) fn of(
        server: &Server,
        release: Release,
        channel: Option<&Slug>,
    ) -> Result<Self, Failure> {
        let public = |address: &str| Ok::<_, Failure>(server.public(address)?.to_string());
        let mut warnings = release.warnings;
        let mut files = Vec::new();
        for package in release.packages {
            for warning in &package.warnings {
                if !warnings.contains(warning) {
                    warnings.push(warning.clone());
                }
            }
            let file = package.file;
            let url = package.url.as_deref().map(public).transpose()?;
            files.push(File {
                filename: file.filename.to_string(),
                sha256: file.sha256.as_hex(),
                size: file.size,
                kind: file.kind.to_string(),
                platform: file.platform.to_string(),
                arch: file.arch.to_string(),
                signature: url.as_ref().map(|url| format!("{url}.minisig")),
                url,
                warnings: package.warnings,
            });
        }
        Ok(Self {
            page: public(&release.links.page)?,
            key: public(&format!("/keys/{}/minisign.pub", release.app))?,
            app: release.app.to_string(),
            version: release.version.to_string(),
            state: release.state.to_string(),
            channel: channel.map(ToString::to_string),
            channels: release.channels.iter().map(ToString::to_string).collect(),
            files,
            warnings,
        })
    }

    pub(crate) fn tell(&self, output: Output) {
        self.warnings_in_lines().iter().for_each(terminal::warn);
        output.tell(&json!(self), self.lines());
    }

    /// The warnings of the release, and of each file behind its name: "the package says" may be said of any of them.
    fn warnings_in_lines(&self) -> Vec<String> {
        let files = self.files.iter();
        let of_files: Vec<_> = files
            .flat_map(|file| file.warnings.iter().map(move |warning| (file, warning)))
            .collect();
        let is_of_a_file = |warning: &&String| of_files.iter().any(|(_, other)| other == warning);
        let of_release = self
            .warnings
            .iter()
            .filter(|warning| !is_of_a_file(warning));
        let named = of_files
            .iter()
            .map(|(file, warning)| format!("{}: {warning}", file.filename));
        of_release.cloned().chain(named).collect()
    }

    fn lines(&self) -> Vec<String> {
        let Self { app, version, .. } = self;
        let Some(channel) = &self.channel else {
            return self.lines_of_draft();
        };
        let is_there = self.channels.contains(channel);
        let place = if is_there { "in" } else { "and not in" };
        let mut lines = vec![
            format!("{app} {version} is published {place} {channel}"),
            format!("page       {}", self.page),
        ];
        for file in &self.files {
            for (what, address) in [("file", &file.url), ("signature", &file.signature)] {
                lines.extend(address.as_ref().map(|url| format!("{what:<10} {url}")));
            }
        }
        lines.push(format!("key        {}", self.key));
        lines
    }

    fn lines_of_draft(&self) -> Vec<String> {
        let Self {
            app,
            version,
            state,
            ..
        } = self;
        let names: Vec<&str> = self
            .files
            .iter()
            .map(|file| file.filename.as_str())
            .collect();
        let names = names.join(", ");
        if state != "draft" {
            return vec![format!("{app} {version} is {state} already, with {names}")];
        }
        vec![
            format!("{app} {version} is a draft with {names}"),
            format!("when all are there: slipway release {version} --app {app}"),
        ]
    }
}

/// The files of a draft that several tokens have put there, to be looked at by a person.
pub(crate) fn files_of_draft(files: &Value) -> String {
    let files = files.as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or("-").escape_debug().to_string();
    let lines = files.map(|file| {
        format!(
            "\n  {}  {}  by {}",
            text(&file["sha256"]),
            text(&file["filename"]),
            text(&file["token"])
        )
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_names_the_file_that_it_is_of() {
        let package = |name: &str, warnings: &[&str]| {
            json!({
                "id": "1", "filename": name, "sha256": "0".repeat(64), "size": 1, "kind": "apk", "platform": "android",
                "arch": "universal", "warnings": warnings, "state": "published", "url": null,
            })
        };
        let release = json!({
            "app": "notes", "version": "1", "channels": [], "state": "draft", "created_at": "2026-01-01T00:00:00Z",
            "links": {"page": "/a/notes", "files": []}, "warnings": ["left_channel: words", "odd: words"],
            "packages": [package("a.apk", &["odd: words"]), package("b.apk", &["odd: words"])],
        });
        let release = serde_json::from_value(release).expect("a release");
        let server = Server::new(
            &crate::server::address::ServerAddress::default(),
            None,
            None,
        );
        let report = Report::of(&server.expect("a server"), release, None).expect("a report");
        assert_eq!(report.warnings, ["left_channel: words", "odd: words"]);
        assert_eq!(
            report.warnings_in_lines(),
            [
                "left_channel: words",
                "a.apk: odd: words",
                "b.apk: odd: words"
            ]
        );
    }
}
