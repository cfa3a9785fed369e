//! What a roll-out will do, as a document that a person reads first and that is followed to its end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use slipway_contract::Digest;

use crate::fleet::wanted::{Instance, Wanted, free_number};
use crate::run::Service;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// A UUID.
    pub(crate) id: String,
    /// What a person calls it: the digest of a program, or the tag of images.
    pub(crate) to: String,
    /// What runs before: back is here.
    pub(crate) before: Vec<Instance>,
    pub(crate) up_before: Option<Digest>,
    /// What instances are that name no program.
    pub(crate) first: Option<Digest>,
    /// The images that programs stand for, before and after; none for processes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) images: BTreeMap<Digest, Image>,
    pub(crate) times: Times,
    pub(crate) steps: Vec<Step>,
}

/// What is to run instead of what runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) name: String,
    /// The services that are replaced, and by what.
    pub(crate) programs: Vec<(Service, Digest)>,
    /// What `up` becomes, where it is replaced too.
    pub(crate) up: Option<Digest>,
    /// Those of which two cannot run at once.
    pub(crate) in_place: Vec<Service>,
    pub(crate) images: BTreeMap<Digest, Image>,
}

/// An image of containers. A name alone may stand for another one tomorrow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Image {
    pub(crate) name: String,
    /// `sha256:` and the digest of its configuration.
    pub(crate) id: String,
    /// The version by which the Compose file makes this name.
    pub(crate) tag: String,
}

/// Seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Times {
    /// For a new process to be ready, the longest.
    pub(crate) ready: u64,
    /// In which a ready one is not judged yet: its caches are empty.
    pub(crate) warm: u64,
    /// In which old and new are compared.
    pub(crate) window: u64,
    /// For which all are watched after the last step; some faults take their time.
    pub(crate) bake: u64,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            ready: 30,
            warm: 3,
            window: 15,
            bake: 75,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Replace {
        old: Instance,
        new: Instance,
    },
    /// Of a service of which two cannot run at once: the old one ends before the new one starts.
    ReplaceInPlace {
        old: Instance,
        new: Instance,
    },
    /// `up` itself becomes the program, last: it serves nobody.
    Up {
        to: Digest,
    },
}

impl Plan {
    /// One instance after the other, in the order of the services; `up` last, where it is replaced. Those that are of the
    /// program already stay.
    pub(crate) fn make(id: String, now: &Wanted, target: &Target, times: Times) -> Self {
        let mut steps = Vec::new();
        for service in Service::ALL {
            let mut programs = target.programs.iter();
            let Some((_, to)) = programs.find(|(own, _)| *own == service) else {
                continue;
            };
            let mut own = now.of(service);
            own.sort_by_key(|instance| instance.number);
            for old in own.clone() {
                if old.program.or(now.first) == Some(*to) {
                    continue;
                }
                let number = free_number(&own);
                let new = Instance {
                    service,
                    number,
                    program: Some(*to),
                };
                own.retain(|instance| *instance != old);
                own.push(new);
                steps.push(if target.in_place.contains(&service) {
                    Step::ReplaceInPlace { old, new }
                } else {
                    Step::Replace { old, new }
                });
            }
        }
        let up_before = now.up.or(now.first);
        if let Some(to) = target.up.filter(|to| up_before != Some(*to)) {
            steps.push(Step::Up { to });
        }
        Self {
            id,
            to: target.name.clone(),
            before: now.instances.clone(),
            up_before,
            first: now.first,
            images: target.images.clone(),
            times,
            steps,
        }
    }
}
