//! What is told of a release, to people and to programs.

use serde::Serialize;
use serde_json::{Value, json};
use slipway_packages::Slug;
use slipway_service::api::Release;

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
            for warning in package.warnings {
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
            let url = package.url.as_deref().map(public).transpose()?;
            files.push(File {
                filename: package.filename,
                sha256: package.sha256,
                size: package.size,
                kind: package.kind,
                platform: package.platform,
                arch: package.arch,
                signature: url.as_ref().map(|url| format!("{url}.minisig")),
                url,
            });
        }
        Ok(Self {
            page: public(&release.links.page)?,
            key: public(&format!("/keys/{}/minisign.pub", release.app))?,
            app: release.app,
            version: release.version,
            state: release.state,
            channel: channel.map(ToString::to_string),
            channels: release.channels,
            files,
            warnings,
        })
    }

    pub(crate) fn tell(&self, output: Output) {
        self.warnings.iter().for_each(terminal::warn);
        output.tell(&json!(self), self.lines());
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
