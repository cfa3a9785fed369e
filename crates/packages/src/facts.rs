//! What readers write into facts.

use std::collections::BTreeSet;

use slipway_contract::shown::legible;
use slipway_contract::{Arch, Facts, Platform};

use crate::{limits::Limits, source::Fault};

/// Architectures of one package that are listed.
const ARCHES: usize = 16;

/// Methods of a type that every service knows and none of them but these readers fills.
pub(crate) trait Fill {
    /// The architecture as the package names it.
    fn set_arch(&mut self, name: &str);

    /// It is a program for what is none of the platforms.
    fn set_no_platform(&mut self, system: &str);

    /// Nobody installs the source of a package: it is for no platform.
    fn set_source(&mut self);

    /// Turns "not well formed" into a warning and `None`.
    fn or_warning<T>(&mut self, what: &str, result: Result<T, Fault>) -> Result<Option<T>, Fault>;

    /// Takes the architectures that a package names: the one that there is, or universal for several. None leaves it open.
    fn set_arches<'a>(&mut self, names: impl IntoIterator<Item = &'a str>);

    /// Takes identifier and version out of a manifest, where no earlier one gave them.
    fn say(&mut self, identifier: Option<&str>, version: Option<&str>, limits: &Limits);

    /// Takes the name for people, where no earlier one gave it.
    fn say_label(&mut self, label: &str, limits: &Limits);
}

impl Fill for Facts {
    fn set_arch(&mut self, name: &str) {
        match name.parse() {
            Ok(arch) => self.arch = Some(arch),
            Err(error) => self.warn(format!("its architecture could not be read: {error}")),
        }
    }

    fn set_no_platform(&mut self, system: &str) {
        self.platform = Some(Platform::None);
        self.warn(format!(
            "no_platform: this is a program for {system}, which is none of the platforms: it is served at its own address and on the page, and offered to nobody"
        ));
    }

    fn set_source(&mut self) {
        self.platform = Some(Platform::None);
        self.arch = Some(Arch::SOURCE);
        self.warn("source_package: nobody can install it: it is served at its own address and on the page, and offered to nobody");
    }

    fn or_warning<T>(&mut self, what: &str, result: Result<T, Fault>) -> Result<Option<T>, Fault> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Fault::Malformed(why)) => {
                self.warn(format!("{what} could not be read: {why}"));
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    fn set_arches<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        let arches = names
            .into_iter()
            .filter_map(|name| name.trim().parse().ok());
        let arches: BTreeSet<Arch> = arches.take(ARCHES).collect();
        match arches.first() {
            None => {}
            Some(one) if arches.len() == 1 => self.arch = Some(*one),
            Some(_) => self.arch = Some(Arch::Universal),
        }
        if arches.len() > 1 && !arches.contains(&Arch::Universal) {
            self.abis = arches.iter().map(Arch::to_string).collect();
        }
    }

    fn say(&mut self, identifier: Option<&str>, version: Option<&str>, limits: &Limits) {
        let text = |text: Option<&str>| text.and_then(|text| shown(text, limits.text));
        self.identifier = self.identifier.take().or_else(|| text(identifier));
        self.version = self.version.take().or_else(|| text(version));
    }

    fn say_label(&mut self, label: &str, limits: &Limits) {
        self.label = self.label.take().or_else(|| shown(label, limits.text));
    }
}

/// A text out of the bytes that is going to be shown: one line, without characters that change how
/// the text around it reads, and not longer than `limit` characters. `None` when nothing is left.
pub(crate) fn shown(text: &str, limit: usize) -> Option<String> {
    legible(text, limit)
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_shown_text_is_one_short_line() {
        assert_eq!(shown(" a\n\u{202e}b\0 ", 9).as_deref(), Some("ab"));
        assert_eq!(shown("ääää", 3).as_deref(), Some("äää"));
        assert_eq!(shown("\r\n ", 9), None);
    }
}
