//! Which container is which instance, which is missing and which is too many: a rule of what is wanted and what is there.
//!
//! Containers of one image are alike, so only their number counts; later ones have the places of instances that come later.

use std::collections::{BTreeMap, HashSet};

use slipway_contract::Digest;

use super::container::Container;
use crate::fleet::wanted::Instance;
use crate::rollout::rules::plan::{Image, Step};
use crate::rollout::rules::progress::Progress;
use crate::run::Service;

/// What is to run.
#[derive(Default)]
pub(super) struct Wanting {
    pub(super) instances: Vec<Instance>,
    pub(super) images: BTreeMap<Digest, Image>,
    /// The services and programs that the roll-out is about; others are left alone.
    known: HashSet<(Service, Digest)>,
    /// Those of which two cannot run at once.
    pub(super) in_place: HashSet<Service>,
    /// The newest are too many then, else the oldest.
    goes_back: bool,
}

impl Wanting {
    pub(super) fn of(progress: &Progress) -> Self {
        let mut wanting = Self {
            instances: progress.wanted().0,
            images: progress.plan.images.clone(),
            goes_back: progress.halted.is_some(),
            ..Self::default()
        };
        for step in &progress.plan.steps {
            let (Step::Replace { old, new } | Step::ReplaceInPlace { old, new }) = step else {
                continue;
            };
            let both = [old, new].into_iter();
            let known = both.filter_map(|one| Some((one.service, one.program?)));
            wanting.known.extend(known);
            if matches!(step, Step::ReplaceInPlace { .. }) {
                wanting.in_place.insert(old.service);
            }
        }
        wanting
    }
}

pub(super) struct Places<'a> {
    pub(super) taken: Vec<(Instance, &'a Container)>,
    pub(super) missing: Vec<Instance>,
    pub(super) excess: Vec<&'a Container>,
}

/// `leaves`: those that are told to end.
pub(super) fn places<'a>(
    wanted: &Wanting,
    containers: &'a [Container],
    leaves: impl Fn(&Container) -> bool,
) -> Places<'a> {
    let mut places = Places {
        taken: Vec::new(),
        missing: Vec::new(),
        excess: Vec::new(),
    };
    for (service, program) in &wanted.known {
        let own =
            |container: &&Container| container.service == *service && container.program == *program;
        let (mut stay, leave): (Vec<_>, Vec<_>) = containers
            .iter()
            .filter(own)
            // One that has ended and is not started again by itself was told to end.
            .partition(|container| container.is_kept && !leaves(container));
        places.excess.extend(leave);
        stay.sort_by_key(|container| container.number);
        let wants: Vec<_> = wanted
            .instances
            .iter()
            .filter(|one| one.service == *service && one.program == Some(*program))
            .collect();
        let too_many = stay.len().saturating_sub(wants.len());
        let going = if wanted.goes_back {
            stay.split_off(stay.len() - too_many)
        } else {
            stay.drain(..too_many).collect()
        };
        places.excess.extend(going);
        places
            .missing
            .extend(wants.iter().skip(stay.len()).copied());
        places.taken.extend(wants.into_iter().copied().zip(stay));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::containers::container::program;

    fn container(number: usize, image: &str, is_kept: bool) -> Container {
        Container {
            id: format!("{image}-{number}"),
            service: Service::Download,
            number,
            image: image.to_owned(),
            image_id: "sha256:00".to_owned(),
            program: program(image, "sha256:00"),
            pid: None,
            is_kept,
            is_made: false,
            restarts: 0,
            address: None,
            admin_port: 9090,
            door: None,
        }
    }

    fn instance(number: usize, image: &str) -> Instance {
        Instance {
            service: Service::Download,
            number,
            program: Some(program(image, "sha256:00")),
        }
    }

    fn ids(containers: &[&Container]) -> Vec<String> {
        containers.iter().map(|one| one.id.clone()).collect()
    }

    fn wanting(instances: &[Instance], images: &[&str], goes_back: bool) -> Wanting {
        let known = images
            .iter()
            .map(|image| (Service::Download, program(image, "sha256:00")));
        Wanting {
            instances: instances.to_vec(),
            known: known.collect(),
            goes_back,
            ..Wanting::default()
        }
    }

    #[test]
    fn who_is_missing_is_made_and_who_is_too_many_goes() {
        let images = ["old", "new"];
        let containers = [
            container(2, "old", true),
            container(1, "old", true),
            container(3, "other", true),
        ];
        let both = [instance(1, "old"), instance(2, "old"), instance(3, "new")];
        let begun = places(&wanting(&both, &images, false), &containers, |_| false);
        assert_eq!(begun.missing, [both[2]]);
        assert!(
            begun.excess.is_empty(),
            "what is of no program of the plan is left alone"
        );
        let rest = [both[1], both[2]];
        let drained = places(&wanting(&rest, &images, false), &containers, |_| false);
        assert_eq!(ids(&drained.excess), ["old-1"]);
        let back = places(&wanting(&rest, &images, true), &containers, |_| false);
        assert_eq!(ids(&back.excess), ["old-2"]);
        let taken: Vec<_> = drained
            .taken
            .iter()
            .map(|(one, is)| (one.number, is.number))
            .collect();
        assert_eq!(taken, [(2, 2)]);
    }

    #[test]
    fn who_was_told_to_end_has_no_place_any_more() {
        let wanted = wanting(&[instance(1, "old")], &["old"], true);
        let leaving = [container(1, "old", true)];
        let again = places(&wanted, &leaving, |_| true);
        assert_eq!(
            (ids(&again.excess), again.missing.len()),
            (vec!["old-1".to_owned()], 1)
        );
        let ended = [container(1, "old", false)];
        let again = places(&wanted, &ended, |_| false);
        assert_eq!(
            (ids(&again.excess), again.missing.len()),
            (vec!["old-1".to_owned()], 1)
        );
    }
}
