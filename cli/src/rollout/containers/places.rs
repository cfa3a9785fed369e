//! Which container is which instance, which is missing and which is too many: a rule of what is wanted and what is there.
//!
//! Containers of one image are alike, so only their number counts; later ones have the places of instances that come later.

use std::collections::HashSet;

use slipway_contract::Digest;

use super::project::Container;
use crate::fleet::wanted::Instance;
use crate::run::Service;

pub(super) struct Places<'a> {
    pub(super) taken: Vec<(Instance, &'a Container)>,
    pub(super) missing: Vec<Instance>,
    pub(super) excess: Vec<&'a Container>,
}

/// `known`: the services and programs that the roll-out is about; others are left alone. `leaves`: those that are told to
/// end. Going back the newest are too many, else the oldest.
pub(super) fn places<'a>(
    wanted: &[Instance],
    containers: &'a [Container],
    known: &HashSet<(Service, Digest)>,
    leaves: impl Fn(&Container) -> bool,
    goes_back: bool,
) -> Places<'a> {
    let mut places = Places {
        taken: Vec::new(),
        missing: Vec::new(),
        excess: Vec::new(),
    };
    for (service, program) in known {
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
            .iter()
            .filter(|one| one.service == *service && one.program == Some(*program))
            .collect();
        let too_many = stay.len().saturating_sub(wants.len());
        let going = if goes_back {
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
    use crate::rollout::containers::project::program;

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

    #[test]
    fn who_is_missing_is_made_and_who_is_too_many_goes() {
        let is = ["old", "new"].map(|image| (Service::Download, program(image, "sha256:00")));
        let known = HashSet::from(is);
        let containers = [
            container(2, "old", true),
            container(1, "old", true),
            container(3, "other", true),
        ];
        let both = [instance(1, "old"), instance(2, "old"), instance(3, "new")];
        let begun = places(&both, &containers, &known, |_| false, false);
        assert_eq!(begun.missing, [both[2]]);
        assert!(
            begun.excess.is_empty(),
            "what is of no program of the plan is left alone"
        );
        let rest = [both[1], both[2]];
        let drained = places(&rest, &containers, &known, |_| false, false);
        assert_eq!(ids(&drained.excess), ["old-1"]);
        let back = places(&rest, &containers, &known, |_| false, true);
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
        let known = HashSet::from([(Service::Download, program("old", "sha256:00"))]);
        let wanted = [instance(1, "old")];
        let leaving = [container(1, "old", true)];
        let again = places(&wanted, &leaving, &known, |_| true, true);
        assert_eq!(
            (ids(&again.excess), again.missing.len()),
            (vec!["old-1".to_owned()], 1)
        );
        let ended = [container(1, "old", false)];
        let again = places(&wanted, &ended, &known, |_| false, true);
        assert_eq!(
            (ids(&again.excess), again.missing.len()),
            (vec!["old-1".to_owned()], 1)
        );
    }
}
