//! What is to run: `DIR/versions/wanted.json`, durable.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use slipway_contract::Digest;
use slipway_runtime::data::{DataDir, private_folder, write_whole};

use crate::run::Service;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    /// Higher with every change.
    pub(crate) revision: u64,
    /// The program that `up` itself is to be; the one that was started, where none is named.
    #[serde(default)]
    pub(crate) up: Option<Digest>,
    /// The program of instances that name none; the one that `up` was started as, where none is named.
    #[serde(default)]
    pub(crate) first: Option<Digest>,
    /// The roll-out that is going on: until it has ended, exactly these instances run, whatever `--instances` says.
    #[serde(default)]
    pub(crate) rollout: Option<String>,
    pub(crate) instances: Vec<Instance>,
}

/// One instance that is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Instance {
    pub(crate) service: Service,
    /// Of its own among those of the service; not the number in the name of its file in `DIR/run`.
    pub(crate) number: usize,
    /// By which program; the first, where none is named.
    #[serde(default)]
    pub(crate) program: Option<Digest>,
}

impl Wanted {
    /// None where nothing but `--instances` was ever said.
    pub(crate) fn read(data: &DataDir) -> anyhow::Result<Option<Self>> {
        let path = path(data);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("could not read {}", path.display()));
            }
        };
        let read = serde_json::from_slice(&text);
        read.with_context(|| format!("{} is not what was written there", path.display()))
    }

    /// Keeps it, over the loss of power too.
    pub(crate) fn write(&self, data: &DataDir) -> anyhow::Result<()> {
        private_folder(&data.versions())?;
        write_whole(&path(data), serde_json::to_vec_pretty(self)?)
    }

    /// As many of each service as `count` says. Those that are too many go, the highest numbers first; those that are
    /// missing are of the program of those that are there. A roll-out in progress is left as it is.
    pub(crate) fn counted(mut self, count: impl Fn(Service) -> usize) -> Self {
        if self.rollout.is_some() {
            return self;
        }
        let mut counted = Vec::new();
        for service in Service::ALL {
            let mut own = self.of(service);
            own.sort_by_key(|instance| instance.number);
            let program = own.first().and_then(|instance| instance.program);
            own.truncate(count(service));
            while own.len() < count(service) {
                let number = free_number(&own);
                own.push(Instance {
                    service,
                    number,
                    program,
                });
            }
            counted.extend(own);
        }
        self.instances = counted;
        self
    }

    pub(crate) fn of(&self, service: Service) -> Vec<Instance> {
        let all = self.instances.iter().copied();
        all.filter(|instance| instance.service == service).collect()
    }
}

/// The lowest number that none of them has.
pub(crate) fn free_number(taken: &[Instance]) -> usize {
    let is_free = |number: &usize| taken.iter().all(|instance| instance.number != *number);
    // One more than there are is enough to have one free.
    (1..=taken.len() + 1)
        .find(is_free)
        .unwrap_or(taken.len() + 1)
}

fn path(data: &DataDir) -> PathBuf {
    data.versions().join("wanted.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(service: Service, number: usize, program: Option<u8>) -> Instance {
        let program = program.map(|byte| Digest::from_bytes([byte; 32]));
        Instance {
            service,
            number,
            program,
        }
    }

    #[test]
    fn those_that_are_missing_are_of_the_program_of_those_that_are_there() {
        let wanted = Wanted {
            instances: vec![
                instance(Service::Upload, 3, Some(7)),
                instance(Service::Download, 2, None),
                instance(Service::Download, 1, Some(8)),
            ],
            ..Wanted::default()
        };
        let count = |service| match service {
            Service::Upload => 2,
            Service::Download => 1,
            _ => 0,
        };
        let counted = wanted.clone().counted(count);
        let expected = [
            instance(Service::Upload, 3, Some(7)),
            instance(Service::Upload, 1, Some(7)),
            instance(Service::Download, 1, Some(8)),
        ];
        assert_eq!(counted.instances, expected);
        let going_on = Wanted {
            rollout: Some("one".to_owned()),
            ..wanted
        };
        assert_eq!(going_on.clone().counted(count), going_on);
    }

    #[test]
    fn what_was_kept_is_read_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path());
        assert_eq!(Wanted::read(&data).expect("nothing"), None);
        let wanted = Wanted {
            revision: 4,
            up: Some(Digest::from_bytes([1; 32])),
            instances: vec![instance(Service::Gateway, 1, Some(2))],
            ..Wanted::default()
        };
        wanted.write(&data).expect("it is kept");
        assert_eq!(Wanted::read(&data).expect("a document"), Some(wanted));
    }
}
