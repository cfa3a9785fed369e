//! From what a person typed to one file of one version.

use reqwest::header::LOCATION;
use reqwest::{Method, Response, StatusCode, Url};
use slipway_contract::public::file_path;
use slipway_contract::{Arch, FileName, Platform, Said, Slug, Version};

use crate::exit::Stop;
use crate::server::address::ServerAddress;
use crate::server::failure::Failure;
use crate::server::{Server, refusal};

/// What was asked for.
pub(super) struct Target {
    pub(super) server: ServerAddress,
    app: Slug,
    which: Which,
}

enum Which {
    File(Place),
    /// The newest of an app that fits what its address names.
    Newest(Named),
}

/// What an address chooses the newest by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Named {
    platform: Option<Platform>,
    arch: Option<Arch>,
    channel: Option<Slug>,
}

impl Named {
    /// Of the query of `/d/{app}/latest/{platform}`. A part that is not known here would give another file than the address
    /// does.
    fn of(said: Said, url: &Url) -> Option<Self> {
        let mut named = Self {
            platform: said.platform,
            arch: said.arch,
            channel: None,
        };
        for (name, value) in url.query_pairs() {
            match &*name {
                "arch" => named.arch = Some(value.parse().ok()?),
                "channel" => named.channel = Some(value.parse().ok()?),
                _ => return None,
            }
        }
        Some(named)
    }
}

/// One file of one version: what its address says, and what its signature has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) app: Slug,
    pub(super) version: Version,
    pub(super) filename: FileName,
}

/// What an app's file is chosen by.
pub(super) struct Request<'a> {
    pub(super) platform: Option<Platform>,
    pub(super) arch: Option<Arch>,
    pub(super) channel: Option<&'a Slug>,
    pub(super) version: Option<&'a Version>,
}

impl Place {
    pub(super) fn path(&self) -> String {
        file_path(
            self.app.as_str(),
            self.version.as_str(),
            self.filename.as_str(),
        )
    }

    /// Of `/d/{app}/{version}/{filename}`.
    fn of(url: &Url) -> Option<Self> {
        let parts = segments(url)?;
        let [root, app, version, filename] = &parts[..] else {
            return None;
        };
        (root == "d").then_some(())?;
        Some(Self {
            app: app.parse().ok()?,
            version: version.parse().ok()?,
            filename: filename.parse().ok()?,
        })
    }
}

/// The parts of a path, decoded.
fn segments(url: &Url) -> Option<Vec<String>> {
    let decode = |part: &str| {
        let decoded = percent_encoding::percent_decode_str(part).decode_utf8();
        Some(decoded.ok()?.into_owned())
    };
    url.path_segments()?.map(decode).collect()
}

impl Target {
    /// An app's slug, or an address below `/d/` or `/a/`. `server` is the platform that was named, `app` the app.
    pub(super) fn parse(
        what: &str,
        server: Option<ServerAddress>,
        app: Option<&Slug>,
    ) -> Result<Self, Stop> {
        if let Ok(slug) = what.parse::<Slug>() {
            let target = Self::of_app(slug, server);
            return target.belonging_to(app);
        }
        let address = || {
            Stop::usage(format!(
                "{what} is neither an app nor the address of a file: write notes, or https://apps.example.org/d/notes/1.2.0/notes.apk"
            ))
        };
        let url = Url::parse(what).map_err(|_| address())?;
        let server = ServerAddress::of(&url).map_err(|_| address())?;
        let parts = segments(&url).ok_or_else(address)?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (slug, which) = match parts[..] {
            ["a", app] => (app, Which::Newest(Named::default())),
            ["d", app, "latest", platform] => {
                let said = Said::named(platform).map_err(|_| address())?;
                let named = Named::of(said, &url).ok_or_else(address)?;
                (app, Which::Newest(named))
            }
            ["d", app, _, _] => (app, Which::File(Place::of(&url).ok_or_else(address)?)),
            _ => return Err(address()),
        };
        let slug = slug.parse().map_err(|_| address())?;
        Self {
            server,
            app: slug,
            which,
        }
        .belonging_to(app)
    }

    pub(super) fn of_app(app: Slug, server: Option<ServerAddress>) -> Self {
        Self {
            server: server.unwrap_or_default(),
            app,
            which: Which::Newest(Named::default()),
        }
    }

    fn belonging_to(self, app: Option<&Slug>) -> Result<Self, Stop> {
        match app {
            Some(app) if *app != self.app => Err(Stop::usage(format!(
                "that is of the app {}, and not of {app}",
                self.app
            ))),
            _ => Ok(self),
        }
    }

    /// The file: where its address does not name it, the platform says which fits.
    pub(super) async fn resolve(
        self,
        server: &Server,
        request: &Request<'_>,
    ) -> anyhow::Result<Place> {
        let named = match self.which {
            Which::File(place) => return Ok(place),
            Which::Newest(named) => named,
        };
        let asked = Named {
            platform: named.platform.or(request.platform),
            arch: request.arch.or(named.arch),
            channel: request.channel.cloned().or(named.channel),
        };
        let newest = newest(server, &self.app, asked).await?;
        match request.version {
            Some(version) if *version != newest.version => {
                other_version(server, newest, version).await
            }
            _ => Ok(newest),
        }
    }
}

/// Asks which file of the newest version fits: without a platform this one, and then this machine's architecture.
async fn newest(server: &Server, app: &Slug, asked: Named) -> anyhow::Result<Place> {
    let Named {
        platform,
        arch,
        channel,
    } = asked;
    let own = || Platform::asked(std::env::consts::OS).ok();
    let own_arch = || {
        std::env::consts::ARCH
            .parse()
            .ok()
            .filter(|_| platform.is_none())
    };
    let arch = arch.or_else(own_arch);
    let is_own = platform.is_none();
    let platform = platform.or_else(own).ok_or_else(|| {
        Stop::usage("name the system with --platform: it is not known which one this is")
    })?;
    let mut url = server.resolve(&format!("/d/{app}/latest/{platform}"))?;
    if let Some(arch) = arch {
        url.query_pairs_mut().append_pair("arch", arch.as_ref());
    }
    if let Some(channel) = channel {
        url.query_pairs_mut()
            .append_pair("channel", channel.as_str());
    }
    let answer = server.answer(server.request(Method::GET, url)).await?;
    if answer.status() != StatusCode::FOUND {
        return Err(refused(answer, is_own).await.into());
    }
    let location = answer.headers().get(LOCATION);
    let location = location.and_then(|location| location.to_str().ok());
    let url = server.resolve(location.unwrap_or_default())?;
    Ok(Place::of(&url)
        .filter(|place| place.app == *app)
        .ok_or(Failure::Strange)?)
}

/// `is_own`: the platform was not named, but is this machine's.
async fn refused(answer: Response, is_own: bool) -> Failure {
    if answer.status().is_success() {
        return Failure::Strange;
    }
    let mut problem = refusal(answer).await;
    if is_own && problem.code == "no_package" {
        problem.detail += "; --platform names another system than this one";
    }
    Failure::Refused(problem)
}

/// The same file of another version: under the same name, or the name with that version in it. Its signature says whether
/// it is.
async fn other_version(server: &Server, newest: Place, version: &Version) -> anyhow::Result<Place> {
    let name = newest.filename.as_str();
    let renamed = name.replace(newest.version.as_str(), version.as_str());
    for name in [name, &renamed] {
        let place = Place {
            app: newest.app.clone(),
            version: version.clone(),
            filename: name.parse()?,
        };
        let url = server.resolve(&place.path())?;
        match server.send(server.request(Method::HEAD, url)).await {
            Ok(_) => return Ok(place),
            Err(Failure::Refused(problem)) if problem.status == StatusCode::NOT_FOUND => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    let Place { app, .. } = &newest;
    let words = format!(
        "{app} has no {name} of the version {}; the newest is {}. Where the file has another name, give its address: {}/d/{app}/{}/FILE",
        version.as_str(),
        newest.version.as_str(),
        server.origin(),
        version.as_str()
    );
    Err(Stop::refused("release_unknown", words).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(what: &str) -> Result<(String, String, Option<Place>), Stop> {
        let target = Target::parse(what, None, None)?;
        let place = match target.which {
            Which::File(place) => Some(place),
            Which::Newest(_) => None,
        };
        Ok((target.server.origin(), target.app.to_string(), place))
    }

    #[test]
    fn an_app_and_every_address_of_it_are_understood() {
        let (server, app, place) = parsed("notes").expect("an app");
        assert_eq!(
            (server.as_str(), app.as_str()),
            ("http://127.0.0.1:8080", "notes")
        );
        assert_eq!(place, None);
        let host = "https://apps.example.org";
        for path in [
            "/a/notes",
            "/d/notes/latest/android",
            "/d/notes/latest/linux?arch=x86_64",
        ] {
            let (server, app, place) = parsed(&format!("{host}{path}")).expect(path);
            assert_eq!(
                (server.as_str(), app.as_str(), place),
                (host, "notes", None)
            );
        }
        let (_, _, place) =
            parsed(&format!("{host}/d/notes/1.0%2B7/My%20App.apk")).expect("a file");
        let place = place.expect("a file");
        assert_eq!(place.version.as_str(), "1.0+7");
        assert_eq!(place.filename.as_str(), "My App.apk");
        assert_eq!(place.path(), "/d/notes/1.0%2B7/My%20App.apk");
    }

    #[test]
    fn an_address_of_the_newest_keeps_what_it_chooses_by() {
        for chosen in ["linux?arch=arm64&channel=beta", "linux-arm64?channel=beta"] {
            let what = format!("https://apps.example.org/d/notes/latest/{chosen}");
            let target = Target::parse(&what, None, None).expect("an address");
            let Which::Newest(named) = target.which else {
                panic!("it names no file")
            };
            let asked = Named {
                platform: Some("linux".parse().expect("a platform")),
                arch: Some("aarch64".parse().expect("an architecture")),
                channel: Some("beta".parse().expect("a slug")),
            };
            assert_eq!(named, asked, "{chosen}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_file_is_refused() {
        for what in [
            "https://apps.example.org/d/notes/latest/linux?kind=deb",
            "No App",
            "https://apps.example.org/",
            "https://apps.example.org/keys/notes/minisign.pub",
            "https://apps.example.org/d/notes/one/notes.apk",
            "https://apps.example.org/d/notes/1.0/..%2Fnotes.apk",
            "ftp://apps.example.org/d/notes/1.0/notes.apk",
        ] {
            assert!(parsed(what).is_err(), "{what}");
        }
        let other: Slug = "other".parse().expect("a slug");
        assert!(Target::parse("notes", None, Some(&other)).is_err());
    }
}
