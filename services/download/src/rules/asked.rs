//! What somebody asks for in an address and its query: the rules, without HTTP and SQL.

use slipway_contract::{Platform, Said, Wanted};

use crate::refusal::Refused;

/// The channel of whoever names none; every app has it, also before its first release.
pub(crate) const DEFAULT_CHANNEL: &str = "stable";

/// The channel that is asked for, of those that `known` has.
pub(crate) fn channel(asked: &str, known: &[String]) -> Result<String, Refused> {
    let channel = given(asked).unwrap_or(DEFAULT_CHANNEL);
    if channel == DEFAULT_CHANNEL || known.iter().any(|known| known == channel) {
        return Ok(channel.to_owned());
    }
    Err(Refused::Channel)
}

/// The channels that a page of `shown` leads to: those that something was released to, and always the one of whoever names
/// none.
pub(crate) fn others(shown: &str, mut known: Vec<String>) -> Vec<String> {
    if !known.iter().any(|one| one == DEFAULT_CHANNEL) {
        known.push(DEFAULT_CHANNEL.to_owned());
    }
    known.retain(|one| one != shown);
    known
}

/// The machine and the kind of package that are asked for; an architecture that the platform's name says gives way to
/// the one that is given.
pub(crate) fn wanted(platform: &str, arch: &str, kind: &str) -> Result<Wanted, Refused> {
    let said = Said::named(platform).map_err(Refused::Platform)?;
    let arch = given(arch).map(str::parse).transpose();
    let arch = arch.map_err(Refused::Arch)?;
    let kind = given(kind).map(str::parse).transpose();
    Ok(Wanted {
        platform: said.platform.unwrap_or(Platform::Any),
        arch: arch.or(said.arch),
        kind: kind.map_err(Refused::Kind)?,
    })
}

/// That nothing in `channel` fits.
pub(crate) fn nothing_fits(channel: &str, wanted: Wanted) -> Refused {
    let mut words = wanted.platform.to_string();
    let arch = wanted.arch.map(|arch| arch.to_string());
    let kind = wanted.kind.map(|kind| kind.to_string());
    for word in [arch, kind].into_iter().flatten() {
        words.push_str(", ");
        words.push_str(&word);
    }
    Refused::Package {
        channel: channel.to_owned(),
        wanted: words,
    }
}

/// A parameter without a value is one that was not given.
fn given(value: &str) -> Option<&str> {
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use slipway_contract::{Arch, Kind};

    use super::*;

    #[test]
    fn a_channel_is_one_that_something_was_released_to() {
        let known = ["beta".to_owned()];
        assert_eq!(channel("beta", &known), Ok("beta".to_owned()));
        for asked in ["", "stable"] {
            assert_eq!(channel(asked, &[]), Ok(DEFAULT_CHANNEL.to_owned()));
        }
        assert_eq!(channel("nightly", &known), Err(Refused::Channel));
    }

    #[test]
    fn every_page_leads_to_the_stable_channel() {
        let known = || vec!["beta".to_owned(), "nightly".to_owned()];
        assert_eq!(others("beta", known()), ["nightly", "stable"]);
        assert_eq!(others("stable", known()), ["beta", "nightly"]);
        assert_eq!(others("stable", Vec::new()), Vec::<String>::new());
    }

    #[test]
    fn a_machine_is_what_the_platform_and_the_parameters_say() {
        let asked = wanted("linux", "arm64", "deb").expect("a machine");
        assert_eq!(asked.platform, Platform::Linux);
        assert_eq!(asked.arch, Some(Arch::Aarch64));
        assert_eq!(asked.kind, Some(Kind::Deb));
        let words = nothing_fits("beta", asked).to_string();
        assert!(words.contains("fits linux, aarch64, deb:"), "{words}");
        let any = wanted("linux", "", "").expect("a machine");
        assert_eq!((any.arch, any.kind), (None, None));
        assert!(matches!(wanted("beos", "", ""), Err(Refused::Platform(_))));
        assert!(matches!(wanted("linux", "", "tape"), Err(Refused::Kind(_))));
    }

    proptest! {
        #[test]
        fn no_other_channel_is_given_than_the_one_that_is_asked_for(asked in "[a-z]{0,3}", known in prop::collection::vec("[a-z]{1,3}", 0..4)) {
            if let Ok(found) = channel(&asked, &known) {
                prop_assert!(found == asked || asked.is_empty());
                prop_assert!(found == DEFAULT_CHANNEL || known.contains(&found));
            }
        }

        #[test]
        fn whatever_is_asked_for_is_answered(platform in "\\PC{0,12}", arch in "\\PC{0,12}", kind in "\\PC{0,12}") {
            if let Err(refused) = wanted(&platform, &arch, &kind) {
                prop_assert!(matches!(refused, Refused::Platform(_) | Refused::Arch(_) | Refused::Kind(_)));
            }
        }
    }
}
