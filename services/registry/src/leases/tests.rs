use proptest::prelude::*;
use slipway_contract::record::State;

use super::*;

fn record(instance: &str, addr: &str, state: State) -> Record {
    Record {
        service: "upload".to_owned(),
        instance: instance.to_owned(),
        addr: addr.to_owned(),
        state,
        version: "0".to_owned(),
        started_at: 0,
    }
}

fn watcher(instance: &str) -> Holder {
    Holder::of(&record(instance, "", State::Ready))
}

/// A heartbeat of an instance that is where it says.
fn beat(leases: &Leases, record: &Record, now: Instant) {
    if !leases.renew(record, now).expect("the same address") {
        let address = record.addr.parse().expect("an address");
        leases.begin(record, address, now).expect("room");
    }
}

fn instances(leases: &Leases, now: Instant) -> Vec<String> {
    let snapshot = leases.snapshot(now);
    snapshot
        .instances
        .into_iter()
        .map(|record| record.instance)
        .collect()
}

#[test]
fn a_lease_goes_through_a_state_that_is_not_known_here() {
    let begin = Instant::now();
    let leases = Leases::new(LeaseSettings::default(), begin);
    for state in [State::Starting, State::Unknown, State::Ready] {
        beat(&leases, &record("a", "127.0.0.1:1", state), begin);
        assert_eq!(leases.snapshot(begin).instances[0].state, state);
    }
}

#[test]
fn a_lease_that_is_not_renewed_ends() {
    let begin = Instant::now();
    let leases = Leases::new(LeaseSettings::default(), begin);
    let ready = record("a", "127.0.0.1:1", State::Ready);
    beat(&leases, &ready, begin);
    leases.sweep(begin + Duration::from_secs(9));
    assert_eq!(instances(&leases, begin), ["a"]);
    beat(&leases, &ready, begin + Duration::from_secs(9));
    leases.sweep(begin + Duration::from_secs(18));
    assert_eq!(instances(&leases, begin), ["a"]);
    leases.sweep(begin + Duration::from_secs(20));
    assert!(instances(&leases, begin).is_empty());
}

#[test]
fn a_late_heartbeat_does_not_undo_a_drain() {
    let begin = Instant::now();
    let leases = Leases::new(LeaseSettings::default(), begin);
    beat(&leases, &record("a", "127.0.0.1:1", State::Draining), begin);
    beat(&leases, &record("a", "127.0.0.1:1", State::Ready), begin);
    assert_eq!(leases.snapshot(begin).instances[0].state, State::Draining);
}

#[test]
fn a_process_at_the_same_address_takes_the_place_of_the_one_before() {
    let begin = Instant::now();
    let leases = Leases::new(LeaseSettings::default(), begin);
    beat(&leases, &record("a", "127.0.0.1:1", State::Ready), begin);
    beat(&leases, &record("b", "127.0.0.1:1", State::Starting), begin);
    assert_eq!(instances(&leases, begin), ["b"]);
}

#[test]
fn nobody_takes_the_place_of_another_service() {
    let begin = Instant::now();
    let leases = Leases::new(LeaseSettings::default(), begin);
    beat(&leases, &record("a", "127.0.0.1:1", State::Ready), begin);
    let liar = Record {
        service: "gateway".to_owned(),
        started_at: i64::MAX,
        ..record("a", "127.0.0.1:1", State::Draining)
    };
    beat(&leases, &liar, begin);
    let there = leases.snapshot(begin).instances;
    assert!(there.contains(&record("a", "127.0.0.1:1", State::Ready)));
    assert_eq!(there.len(), 2);
}

#[test]
fn of_two_first_heartbeats_at_once_one_address_counts() {
    let begin = Instant::now();
    let leases = Leases::new(LeaseSettings::default(), begin);
    let proven = |record: &Record| leases.begin(record, record.addr.parse().unwrap(), begin);
    assert_eq!(proven(&record("a", "127.0.0.1:1", State::Ready)), Ok(()));
    let late = proven(&record("a", "127.0.0.1:2", State::Ready));
    assert_eq!(late, Err(Refused::AddressChanged));
    assert_eq!(leases.snapshot(begin).instances[0].addr, "127.0.0.1:1");
}

#[test]
fn an_address_never_changes_and_the_lease_has_the_proven_one() {
    let begin = Instant::now();
    let leases = Leases::new(LeaseSettings::default(), begin);
    let named = record("a", "upload:1", State::Ready);
    let proven = "127.0.0.1:1".parse().unwrap();
    leases.begin(&named, proven, begin).unwrap();
    assert_eq!(leases.snapshot(begin).instances[0].addr, "127.0.0.1:1");
    assert_eq!(leases.renew(&named, begin), Ok(true));
    let elsewhere = record("a", "127.0.0.1:2", State::Ready);
    assert_eq!(
        leases.renew(&elsewhere, begin),
        Err(Refused::AddressChanged)
    );
}

#[test]
fn leases_of_one_service_are_bounded_and_take_no_room_of_another() {
    let begin = Instant::now();
    let settings = LeaseSettings::default();
    let most = settings.per_service;
    let leases = Leases::new(settings, begin);
    for number in 0..most {
        let address = format!("127.0.0.1:{}", number + 1);
        beat(
            &leases,
            &record(&number.to_string(), &address, State::Ready),
            begin,
        );
    }
    let full = leases.check_room("upload");
    assert_eq!(full, Err(Refused::Full("upload".to_owned())));
    assert_eq!(leases.check_room("download"), Ok(()));
}

#[test]
fn nobody_ends_the_lease_of_another_service() {
    let begin = Instant::now();
    let leases = Leases::new(LeaseSettings::default(), begin);
    beat(&leases, &record("a", "127.0.0.1:1", State::Ready), begin);
    let other = Holder {
        service: "download".to_owned(),
        instance: "a".to_owned(),
    };
    leases.leave(&other);
    assert_eq!(instances(&leases, begin), ["a"]);
    leases.leave(&watcher("a"));
    assert!(instances(&leases, begin).is_empty());
}

#[test]
fn the_end_of_the_warm_up_is_a_change() {
    let begin = Instant::now();
    let leases = Leases::new(LeaseSettings::default(), begin);
    let before = leases.revision();
    assert!(leases.snapshot(begin).warming);
    let later = begin + Duration::from_secs(11);
    leases.sweep(later);
    assert!(leases.revision() > before);
    assert!(!leases.snapshot(later).warming);
}

#[test]
fn a_drain_is_acknowledged_when_every_watcher_has_it() {
    let begin = Instant::now();
    let leases = Leases::new(LeaseSettings::default(), begin);
    drop(leases.watch(&watcher("gateway"), leases.revision(), begin));
    beat(&leases, &record("a", "127.0.0.1:1", State::Draining), begin);
    assert!(!leases.all_applied(leases.revision()));
    drop(leases.watch(&watcher("gateway"), leases.revision(), begin));
    assert!(leases.all_applied(leases.revision()));
}

/// What happens to a table, at a second.
#[derive(Clone, Debug)]
enum Happens {
    Beat {
        service: &'static str,
        instance: u8,
        port: u16,
        state: State,
    },
    Leave(&'static str, u8),
    Sweep,
}

fn happens() -> impl Strategy<Value = Happens> {
    let service = || prop::sample::select(vec!["upload", "signing"]);
    let states = vec![State::Starting, State::Ready, State::Draining];
    prop_oneof![
        4 => (service(), 0_u8..6, 1_u16..5, prop::sample::select(states)).prop_map(
            |(service, instance, port, state)| Happens::Beat { service, instance, port, state }
        ),
        1 => (service(), 0_u8..6).prop_map(|(service, instance)| Happens::Leave(service, instance)),
        1 => Just(Happens::Sweep),
    ]
}

/// Whatever comes in whatever order: a service has no more leases than it may, no two of its instances have one address,
/// nobody goes back to an earlier state, and the revision never falls.
fn hold(steps: Vec<(u64, Happens)>) -> Result<(), TestCaseError> {
    const MOST: usize = 3;
    let begin = Instant::now();
    let settings = LeaseSettings {
        per_service: MOST,
        ..LeaseSettings::default()
    };
    let leases = Leases::new(settings, begin);
    let (mut now, mut before) = (begin, leases.snapshot(begin));
    for (seconds, step) in steps {
        now += Duration::from_secs(seconds);
        match step {
            Happens::Beat {
                service,
                instance,
                port,
                state,
            } => {
                let mut record = record(&instance.to_string(), &format!("127.0.0.1:{port}"), state);
                record.service = service.to_owned();
                let address = record.addr.parse().expect("an address");
                if leases.renew(&record, now) == Ok(false) {
                    // A refusal changes nothing, which is what is looked at below.
                    let _ = leases.begin(&record, address, now);
                }
            }
            Happens::Leave(service, instance) => leases.leave(&Holder {
                service: service.to_owned(),
                instance: instance.to_string(),
            }),
            Happens::Sweep => leases.sweep(now),
        }
        let after = leases.snapshot(now);
        prop_assert!(after.revision >= before.revision);
        for one in &after.instances {
            let of_service = || {
                after
                    .instances
                    .iter()
                    .filter(|other| other.service == one.service)
            };
            prop_assert!(of_service().count() <= MOST);
            prop_assert_eq!(
                of_service().filter(|other| other.addr == one.addr).count(),
                1
            );
            let earlier = before
                .instances
                .iter()
                .find(|other| (&other.service, &other.instance) == (&one.service, &one.instance));
            // One that has left or was replaced may begin anew.
            if let Some(earlier) = earlier {
                prop_assert!(one.state == earlier.state || one.state.follows(earlier.state));
            }
        }
        before = after;
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_table_of_leases_holds_whatever_happens(steps in prop::collection::vec((0_u64..6, happens()), 0..40)) {
        hold(steps)?;
    }
}
