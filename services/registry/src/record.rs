//! What a record may say: the rules, without HTTP. What it says of its service is held against the certificate of
//! whoever sends it.

use slipway_contract::record::{Record, State};
use uuid::Uuid;

/// Bytes of a program's version in a record.
pub(crate) const MAX_VERSION: usize = 64;

/// Bytes of a name: that of a host, the service's and a number.
pub(crate) const MAX_NAME: usize = 320;

/// Why a record, or the name of an instance, is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the record names another service than the certificate of whoever sends it")]
    OtherService,
    #[error("the record names another instance than the address")]
    OtherInstance,
    #[error("an instance is named by a UUID")]
    Instance,
    #[error("a version is {MAX_VERSION} bytes at most, and a name {MAX_NAME}")]
    TooLong,
    #[error("SUSPECT and GONE are said by the registry, of others")]
    State,
}

/// Whether `caller`, as its certificate names it, may send `record` to the address of `instance`: with one service's key
/// nobody becomes another.
pub(crate) fn check(record: &Record, caller: &str, instance: &str) -> Result<(), Refused> {
    if record.service != caller {
        return Err(Refused::OtherService);
    }
    if record.instance != instance {
        return Err(Refused::OtherInstance);
    }
    check_instance(instance)?;
    if record.version.len() > MAX_VERSION || record.name.len() > MAX_NAME {
        return Err(Refused::TooLong);
    }
    if matches!(record.state, State::Suspect | State::Gone) {
        return Err(Refused::State);
    }
    Ok(())
}

/// Whether `instance` is the name of one.
pub(crate) fn check_instance(instance: &str) -> Result<(), Refused> {
    Uuid::try_parse(instance)
        .map(drop)
        .map_err(|_| Refused::Instance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INSTANCE: &str = "01900000-0000-7000-8000-000000000000";

    fn record(service: &str, instance: &str, version: &str) -> Record {
        Record {
            service: service.to_owned(),
            instance: instance.to_owned(),
            addr: "127.0.0.1:1".to_owned(),
            state: State::Ready,
            version: version.to_owned(),
            started_at: 0,
            name: String::new(),
        }
    }

    #[test]
    fn a_record_says_what_its_sender_has_proven() {
        let longest = "1".repeat(MAX_VERSION);
        for (sent, outcome) in [
            (record("upload", INSTANCE, &longest), Ok(())),
            (record("signing", INSTANCE, "1"), Err(Refused::OtherService)),
            (
                record("upload", "another", "1"),
                Err(Refused::OtherInstance),
            ),
            (
                record("upload", INSTANCE, &format!("{longest}1")),
                Err(Refused::TooLong),
            ),
            (
                Record {
                    name: "1".repeat(MAX_NAME + 1),
                    ..record("upload", INSTANCE, "1")
                },
                Err(Refused::TooLong),
            ),
            (
                Record {
                    state: State::Gone,
                    ..record("upload", INSTANCE, "1")
                },
                Err(Refused::State),
            ),
        ] {
            assert_eq!(check(&sent, "upload", INSTANCE), outcome, "{sent:?}");
        }
        let named = record("upload", "me", "1");
        assert_eq!(check(&named, "upload", "me"), Err(Refused::Instance));
    }

    proptest! {
        #[test]
        fn nobody_is_taken_for_another(service in "\\PC{0,12}", caller in "\\PC{0,12}", instance in "\\PC{0,40}") {
            let sent = record(&service, &instance, "1");
            if check(&sent, &caller, INSTANCE).is_ok() {
                prop_assert_eq!((service, instance), (caller, INSTANCE.to_owned()));
            }
        }
    }
}
