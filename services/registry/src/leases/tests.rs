use slipway_service::discovery::record::State;

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
