//! What a roll-out will do, as a document that a person reads first and that is followed to its end.

use serde::{Deserialize, Serialize};
use slipway_contract::Digest;

use crate::fleet::wanted::{Instance, Wanted, free_number};
use crate::run::Service;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// A UUID.
    pub(crate) id: String,
    pub(crate) to: Digest,
    /// What runs before: back is here.
    pub(crate) before: Vec<Instance>,
    pub(crate) up_before: Option<Digest>,
    /// What instances are that name no program.
    pub(crate) first: Option<Digest>,
    pub(crate) times: Times,
    pub(crate) steps: Vec<Step>,
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
    /// `up` itself becomes the program, last: it serves nobody.
    Up {
        to: Digest,
    },
}

impl Plan {
    /// One instance after the other, in the order of the services; `up` last, where all services are replaced. Those that
    /// are of the program already stay.
    pub(crate) fn make(
        id: String,
        now: &Wanted,
        to: Digest,
        only: Option<Service>,
        times: Times,
    ) -> Self {
        let mut steps = Vec::new();
        for service in Service::ALL {
            if only.is_some_and(|only| only != service) {
                continue;
            }
            let mut own = now.of(service);
            own.sort_by_key(|instance| instance.number);
            for old in own.clone() {
                if old.program.or(now.first) == Some(to) {
                    continue;
                }
                let number = free_number(&own);
                let new = Instance {
                    service,
                    number,
                    program: Some(to),
                };
                own.retain(|instance| *instance != old);
                own.push(new);
                steps.push(Step::Replace { old, new });
            }
        }
        let up_before = now.up.or(now.first);
        if only.is_none() && up_before != Some(to) {
            steps.push(Step::Up { to });
        }
        Self {
            id,
            to,
            before: now.instances.clone(),
            up_before,
            first: now.first,
            times,
            steps,
        }
    }
}
