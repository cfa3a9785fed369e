use proptest::prelude::*;
use slipway_contract::Digest;

use super::plan::{Plan, Step, Target, Times};
use super::progress::{Life, Phase, Progress, Seen};
use super::verdict::Verdict;
use crate::fleet::wanted::{Instance, Wanted};
use crate::run::Service;

const TO: Digest = Digest::from_bytes([2; 32]);
const FROM: Digest = Digest::from_bytes([1; 32]);

/// A fleet with so many uploads and downloads, and one of the others.
fn fleet(uploads: usize, downloads: usize) -> Wanted {
    let count = |service| match service {
        Service::Upload => uploads,
        Service::Download => downloads,
        _ => 1,
    };
    let wanted = Wanted {
        first: Some(FROM),
        ..Wanted::default()
    };
    wanted.counted(count)
}

fn plan(now: &Wanted) -> Plan {
    Plan::make("id".to_owned(), now, &all(TO), Times::default())
}

/// All services, and `up` itself.
fn all(program: Digest) -> Target {
    Target {
        programs: Service::ALL.map(|service| (service, program)).to_vec(),
        up: Some(program),
        ..Target::default()
    }
}

/// What is seen when all is well: what is to run is ready, and what is not has ended.
fn well(progress: &Progress) -> Seen {
    let starts = if progress.phase == Phase::Draining {
        Life::Absent
    } else {
        Life::Ready
    };
    Seen {
        starts: if progress.halted.is_none() {
            Life::Ready
        } else {
            starts
        },
        ends: if progress.phase == Phase::Draining {
            Life::Absent
        } else {
            Life::Ready
        },
        verdict: Verdict::Good,
        refused: None,
    }
}

fn sorted(mut instances: Vec<Instance>) -> Vec<Instance> {
    instances.sort_by_key(|instance| (instance.service.name(), instance.number));
    instances
}

/// To its end when all is well from here on.
fn ended(mut progress: Progress, mut now: u64) -> Progress {
    for _ in 0..2000 {
        if progress.phase == Phase::Ended {
            return progress;
        }
        now += 1;
        progress = progress.next(&well(&progress), now);
    }
    panic!("it does not end: {progress:?}");
}

#[test]
fn a_good_program_replaces_every_instance_and_up_last() {
    let now = fleet(2, 1);
    let plan = plan(&now);
    assert_eq!(plan.steps.len(), 8);
    assert_eq!(plan.steps.last(), Some(&Step::Up { to: TO }));
    let end = ended(Progress::begin(plan, 0), 0);
    let (instances, up) = end.wanted();
    assert_eq!((end.halted, up), (None, Some(TO)));
    assert_eq!(instances.len(), now.instances.len());
    assert!(
        instances
            .iter()
            .all(|instance| instance.program == Some(TO))
    );
}

#[test]
fn what_is_of_the_program_already_stays_and_only_the_service_that_was_named_changes() {
    let now = fleet(1, 2);
    let download = Target {
        programs: vec![(Service::Download, TO)],
        ..Target::default()
    };
    let only = Plan::make("id".to_owned(), &now, &download, Times::default());
    assert_eq!(only.steps.len(), 2);
    let (instances, up) = ended(Progress::begin(only, 0), 0).wanted();
    assert_eq!(up, Some(FROM));
    let again = Wanted {
        instances,
        ..now.clone()
    };
    let rest = plan(&again);
    let is_download = |step: &&Step| matches!(step, Step::Replace { old, .. } if old.service == Service::Download);
    assert_eq!(rest.steps.iter().filter(is_download).count(), 0);
    let nothing = Plan::make("id".to_owned(), &now, &all(FROM), Times::default());
    assert_eq!(Progress::begin(nothing, 0).phase, Phase::Ended);
}

#[test]
fn one_that_is_never_ready_is_halted_in_time_and_nothing_is_changed() {
    let now = fleet(1, 1);
    let mut progress = Progress::begin(plan(&now), 0);
    let seen = Seen {
        starts: Life::Starting,
        ..well(&progress)
    };
    progress = progress.next(&seen, 29);
    assert_eq!(progress.halted, None);
    progress = progress.next(&seen, 30);
    let why = progress.halted.clone().expect("it is halted");
    assert!(why.contains("not ready"), "{why}");
    assert_eq!(progress.wanted().0, now.instances);
    assert_eq!(ended(progress, 30).wanted().0, now.instances);
}

#[test]
fn a_fault_that_takes_its_time_takes_everything_back() {
    let now = fleet(1, 1);
    let mut progress = Progress::begin(plan(&now), 0);
    let mut time = 0;
    while progress.phase != Phase::Baking {
        time += 1;
        progress = progress.next(&well(&progress), time);
    }
    let bad = Seen {
        verdict: Verdict::Bad("it ended".to_owned()),
        ..well(&progress)
    };
    let halted = progress.next(&bad, time + 60);
    assert_eq!(halted.halted.as_deref(), Some("it ended"));
    let end = ended(halted, time + 60);
    assert_eq!(sorted(end.wanted().0), sorted(now.instances));
    assert_eq!(end.wanted().1, Some(FROM));
}

fn any_seen() -> impl Strategy<Value = Seen> {
    let life = || prop_oneof![Just(Life::Absent), Just(Life::Starting), Just(Life::Ready)];
    let verdict = prop_oneof![
        20 => Just(Verdict::Good),
        3 => Just(Verdict::TooLittle),
        1 => Just(Verdict::Bad("bad".to_owned())),
    ];
    let refused = proptest::option::weighted(0.02, Just("refused".to_owned()));
    (life(), life(), verdict, refused).prop_map(|(starts, ends, verdict, refused)| Seen {
        starts,
        ends,
        verdict,
        refused,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is seen, killed and told: no service has fewer than before, there is one more at most, what is old goes only
    /// when the new one was judged good, and from anywhere it comes to one of its two ends.
    #[test]
    fn no_service_is_ever_without(
        uploads in 1_usize..4,
        downloads in 1_usize..4,
        in_place in any::<bool>(),
        story in proptest::collection::vec((any_seen(), 1_u64..20, any::<u8>()), 0..200),
    ) {
        let before = fleet(uploads, downloads);
        let alone = [Service::Registry, Service::Gateway];
        let target = Target {
            in_place: if in_place { alone.to_vec() } else { Vec::new() },
            ..all(TO)
        };
        let plan = Plan::make("id".to_owned(), &before, &target, Times::default());
        let mut progress = Progress::begin(plan, 0);
        let mut now = 0;
        for (seen, passed, chance) in story {
            now += passed;
            let last = progress.clone();
            progress = match chance {
                0 => progress.aborted(now),
                1..10 => {
                    let document = serde_json::to_string(&progress).expect("a document");
                    let read: Progress = serde_json::from_str(&document).expect("what was kept");
                    prop_assert_eq!(&read, &progress);
                    read.resumed(now)
                }
                _ => progress.next(&seen, now),
            };
            let (instances, _) = progress.wanted();
            for service in Service::ALL {
                let count = |all: &[Instance]| all.iter().filter(|one| one.service == service).count();
                let is = count(&instances);
                let was = count(&before.instances);
                prop_assert!(is == was || is == was + 1, "{} of {}", is, was);
                prop_assert!(!in_place || !alone.contains(&service) || is == was, "two of {}", service.name());
            }
            prop_assert!(instances.len() <= before.instances.len() + 1);
            let mut numbers: Vec<_> = instances.iter().map(|one| (one.service, one.number)).collect();
            numbers.sort_by_key(|(service, number)| (service.name(), *number));
            numbers.dedup();
            prop_assert_eq!(numbers.len(), instances.len(), "each has a number of its own");
            if progress.halted.is_none() && progress.phase == Phase::Draining && last.phase != Phase::Draining {
                prop_assert_eq!(last.phase, Phase::Comparing);
                prop_assert_eq!(seen.verdict, Verdict::Good);
            }
            prop_assert!(last.halted.is_none() || progress.halted == last.halted, "there is no way forward again");
        }
        let end = ended(progress, now);
        let (instances, up) = end.wanted();
        if end.halted.is_some() {
            prop_assert_eq!(sorted(instances), sorted(before.instances));
            prop_assert_eq!(up, before.first);
        } else {
            prop_assert!(instances.iter().all(|one| one.program == Some(TO)));
            prop_assert_eq!(up, Some(TO));
        }
    }
}

#[test]
fn where_two_cannot_run_at_once_the_old_one_ends_first_and_comes_back_when_the_new_one_is_bad() {
    let now = fleet(1, 1);
    let gateway = Target {
        programs: vec![(Service::Gateway, TO)],
        in_place: vec![Service::Gateway],
        ..Target::default()
    };
    let plan = Plan::make("id".to_owned(), &now, &gateway, Times::default());
    let mut progress = Progress::begin(plan.clone(), 0);
    let gateways = |progress: &Progress| -> Vec<_> {
        let (instances, _) = progress.wanted();
        let own = instances
            .iter()
            .filter(|one| one.service == Service::Gateway);
        own.map(|one| one.program).collect()
    };
    assert_eq!(gateways(&progress), [Some(TO)]);
    let starting = Seen {
        starts: Life::Starting,
        ..well(&progress)
    };
    let ready = Times::default().ready;
    assert_eq!(
        progress.next(&starting, ready).halted,
        None,
        "the old one has the time to end"
    );
    let mut time = 0;
    while progress.phase != Phase::Comparing {
        time += 1;
        progress = progress.next(&well(&progress), time);
    }
    let bad = Seen {
        verdict: Verdict::Bad("wrong bytes".to_owned()),
        ..well(&progress)
    };
    let halted = progress.next(&bad, time);
    assert_eq!(
        (halted.phase, gateways(&halted)),
        (Phase::Starting, vec![None])
    );
    assert_eq!(ended(halted, time).wanted().0, now.instances);
    let good = ended(progress, time);
    assert_eq!(gateways(&good), [Some(TO)]);
}

#[test]
fn a_plan_does_nothing_before_it_is_begun() {
    let now = fleet(1, 1);
    let planned = Progress::planned(plan(&now), 0);
    assert_eq!(planned.next(&well(&planned), 100), planned);
    assert_eq!(planned.aborted(100), planned);
    assert_eq!(planned.wanted(), (now.instances, now.first));
}

#[test]
fn after_a_loss_of_power_a_new_one_may_start_again() {
    let mut progress = Progress::begin(plan(&fleet(1, 1)), 0);
    let mut now = 0;
    while progress.phase != Phase::Comparing {
        now += 1;
        progress = progress.next(&well(&progress), now);
    }
    let starting = Seen {
        starts: Life::Starting,
        ..well(&progress)
    };
    let lost = progress.next(&starting, now + 1);
    assert!(lost.halted.is_some(), "it ends while it is compared");
    let resumed = progress.resumed(now + 1);
    assert_eq!(resumed.next(&starting, now + 2), resumed);
}
