use slipway_contract::record::State;

use super::*;

mod histories;

fn record(instance: &str, addr: &str, state: State) -> Record {
    Record {
        service: "upload".to_owned(),
        instance: instance.to_owned(),
        addr: addr.to_owned(),
        state,
        version: "0".to_owned(),
        started_at: 0,
        name: String::new(),
    }
}

fn watcher(instance: &str) -> Holder {
    Holder::of(&record(instance, "", State::Ready))
}

/// Where an instance was met that was asked at `now`.
fn met(record: &Record, now: Instant) -> Proven {
    Proven {
        address: record.addr.parse().expect("an address"),
        asked: Some(now),
    }
}

/// A heartbeat of an instance that is where it says.
fn beat(leases: &mut Table, record: &Record, now: Instant) {
    if !leases.renew(record, now).expect("the same address") {
        leases.begin(record, met(record, now), now).expect("room");
    }
}

/// A heartbeat of the instance of this name and address, in this state.
fn says(leases: &mut Table, (instance, addr, state): (&str, &str, State), now: Instant) {
    beat(leases, &record(instance, addr, state), now);
}

/// Those that are not gone.
fn instances(leases: &Table) -> Vec<String> {
    let living = leases.list().into_iter();
    let living = living.filter(|record| record.state != State::Gone);
    living.map(|record| record.instance).collect()
}

fn state(leases: &Table, instance: &str) -> Option<State> {
    let list = leases.list().into_iter();
    let mut of = list.filter(|record| record.instance == instance);
    of.next().map(|record| record.state)
}

/// Seconds that are swept one after another.
fn pass(leases: &mut Table, begin: Instant, seconds: std::ops::RangeInclusive<u64>) {
    for second in seconds {
        leases.sweep(begin + Duration::from_secs(second));
    }
}

#[test]
fn a_lease_goes_through_a_state_that_is_not_known_here() {
    let begin = Instant::now();
    let mut leases = Table::new(LeaseSettings::default(), begin);
    for state in [State::Starting, State::Unknown, State::Ready] {
        beat(&mut leases, &record("a", "127.0.0.1:1", state), begin);
        assert_eq!(leases.list()[0].state, state);
    }
}

#[test]
fn who_is_not_heard_from_is_suspected_and_then_forgotten() {
    let begin = Instant::now();
    let mut leases = Table::new(LeaseSettings::default(), begin);
    let ready = record("a", "127.0.0.1:1", State::Ready);
    beat(&mut leases, &ready, begin);
    let other = record("b", "127.0.0.1:2", State::Ready);
    let both = |leases: &mut Table, seconds| {
        pass(leases, begin, seconds);
        beat(leases, &other, leases.swept);
        state(leases, "a")
    };
    assert_eq!(both(&mut leases, 1..=9), Some(State::Ready));
    assert_eq!(both(&mut leases, 10..=15), Some(State::Suspect));
    let before = leases.revision();
    beat(&mut leases, &ready, begin + Duration::from_secs(15));
    assert_eq!(state(&leases, "a"), Some(State::Ready), "there it is again");
    assert!(leases.revision() > before);
    assert_eq!(both(&mut leases, 16..=24), Some(State::Ready));
    assert_eq!(both(&mut leases, 25..=33), Some(State::Suspect));
    assert_eq!(both(&mut leases, 34..=44), Some(State::Suspect));
    assert_eq!(both(&mut leases, 45..=46), None, "and it may come back");
    assert_eq!(leases.renew(&ready, begin), Ok(false));
}

#[test]
fn who_begins_or_leaves_is_not_suspected_but_forgotten() {
    for state in [State::Starting, State::Draining] {
        let begin = Instant::now();
        let mut leases = Table::new(LeaseSettings::default(), begin);
        beat(&mut leases, &record("a", "127.0.0.1:1", state), begin);
        pass(&mut leases, begin, 1..=9);
        assert_eq!(instances(&leases), ["a"]);
        pass(&mut leases, begin, 10..=11);
        assert!(instances(&leases).is_empty());
    }
}

#[test]
fn the_last_that_was_ready_is_kept_for_ten_minutes() {
    let begin = Instant::now();
    let mut leases = Table::new(LeaseSettings::default(), begin);
    for (port, instance) in [(1, "a"), (2, "b")] {
        let ready = record(instance, &format!("127.0.0.1:{port}"), State::Ready);
        beat(&mut leases, &ready, begin + Duration::from_secs(port));
    }
    says(&mut leases, ("c", "127.0.0.1:3", State::Starting), begin);
    pass(&mut leases, begin, 1..=601);
    assert_eq!(instances(&leases), ["b"], "who was heard last");
    assert_eq!(state(&leases, "b"), Some(State::Suspect));
    pass(&mut leases, begin, 602..=603);
    assert!(instances(&leases).is_empty());
}

#[test]
fn a_sweep_that_is_late_ends_no_lease() {
    let begin = Instant::now();
    let mut leases = Table::new(LeaseSettings::default(), begin);
    says(&mut leases, ("a", "127.0.0.1:1", State::Ready), begin);
    pass(&mut leases, begin, 1..=8);
    // We were stopped for a minute, and no heartbeat could be taken meanwhile.
    pass(&mut leases, begin, 69..=69);
    assert_eq!(state(&leases, "a"), Some(State::Ready));
    pass(&mut leases, begin, 70..=71);
    assert_eq!(
        state(&leases, "a"),
        Some(State::Suspect),
        "ten seconds that were swept"
    );
}

#[test]
fn a_crowd_that_falls_silent_is_kept_for_five_minutes_and_ends_bit_by_bit() {
    let begin = Instant::now();
    let mut leases = Table::new(LeaseSettings::default(), begin);
    for number in 1..=20 {
        let there = record(
            &number.to_string(),
            &format!("127.0.0.1:{number}"),
            State::Ready,
        );
        beat(&mut leases, &there, begin);
    }
    pass(&mut leases, begin, 1..=309);
    assert!(leases.is_protected());
    assert_eq!(instances(&leases).len(), 20);
    let mut before = 20;
    for second in 310..=330 {
        pass(&mut leases, begin, second..=second);
        let now = instances(&leases).len();
        assert!(
            before - now <= 3,
            "15 % of {before} at once, not {}",
            before - now
        );
        before = now;
    }
    assert_eq!(before, 1, "the last one is kept");
}

#[test]
fn who_has_left_is_gone_for_a_minute_and_its_late_heartbeats_are_refused() {
    let begin = Instant::now();
    let mut leases = Table::new(LeaseSettings::default(), begin);
    let leaving = record("a", "127.0.0.1:1", State::Draining);
    beat(&mut leases, &leaving, begin);
    leases.leave(&watcher("a"), begin);
    assert_eq!(state(&leases, "a"), Some(State::Gone));
    assert_eq!(leases.renew(&leaving, begin), Err(Refused::Gone));
    let again = leases.begin(&leaving, met(&leaving, begin), begin);
    assert_eq!(again, Err(Refused::Gone));
    pass(&mut leases, begin, 1..=59);
    assert_eq!(state(&leases, "a"), Some(State::Gone));
    let before = leases.revision();
    pass(&mut leases, begin, 60..=60);
    assert_eq!(state(&leases, "a"), None);
    assert!(leases.revision() > before);
}

#[test]
fn a_late_heartbeat_does_not_undo_a_drain() {
    let begin = Instant::now();
    let mut leases = Table::new(LeaseSettings::default(), begin);
    says(&mut leases, ("a", "127.0.0.1:1", State::Draining), begin);
    says(&mut leases, ("a", "127.0.0.1:1", State::Ready), begin);
    assert_eq!(leases.list()[0].state, State::Draining);
}

#[test]
fn a_process_at_the_same_address_takes_the_place_of_the_one_before() {
    let begin = Instant::now();
    let mut leases = Table::new(LeaseSettings::default(), begin);
    says(&mut leases, ("a", "127.0.0.1:1", State::Ready), begin);
    says(&mut leases, ("b", "127.0.0.1:1", State::Starting), begin);
    assert_eq!(instances(&leases), ["b"]);
    assert_eq!(state(&leases, "a"), Some(State::Gone));
    let zombie = record("a", "127.0.0.1:1", State::Ready);
    assert_eq!(leases.renew(&zombie, begin), Err(Refused::Gone));
}

/// Whichever clock the two were started by.
#[test]
fn an_earlier_process_never_takes_the_place_of_a_later_one() {
    let begin = Instant::now();
    let at = |seconds| begin + Duration::from_secs(seconds);
    let mut leases = Table::new(LeaseSettings::default(), begin);
    let earlier = Record {
        started_at: 9,
        ..record("a", "127.0.0.1:1", State::Ready)
    };
    let later = record("b", "127.0.0.1:1", State::Ready);
    // The earlier one was asked, and answered, before the later one was; its heartbeat comes to its end after.
    assert_eq!(leases.begin(&later, met(&later, at(2)), at(3)), Ok(()));
    let late = leases.begin(&earlier, met(&earlier, at(1)), at(4));
    assert_eq!(late, Err(Refused::Overtaken));
    assert_eq!(instances(&leases), ["b"]);
    // Gateways are not asked; their own words count, and only against each other.
    let claimed = |record: &Record| Proven {
        asked: None,
        ..met(record, begin)
    };
    let mut leases = Table::new(LeaseSettings::default(), begin);
    assert_eq!(leases.begin(&earlier, claimed(&earlier), begin), Ok(()));
    assert_eq!(
        leases.begin(&later, claimed(&later), begin),
        Err(Refused::Gone)
    );
    assert_eq!(instances(&leases), ["a"]);
}

#[test]
fn nobody_takes_the_place_of_another_service() {
    let begin = Instant::now();
    let mut leases = Table::new(LeaseSettings::default(), begin);
    says(&mut leases, ("a", "127.0.0.1:1", State::Ready), begin);
    let liar = Record {
        service: "gateway".to_owned(),
        started_at: i64::MAX,
        ..record("a", "127.0.0.1:1", State::Draining)
    };
    beat(&mut leases, &liar, begin);
    let there = leases.list();
    assert!(there.contains(&record("a", "127.0.0.1:1", State::Ready)));
    assert_eq!(there.len(), 2);
}

#[test]
fn of_two_first_heartbeats_at_once_one_address_counts() {
    let begin = Instant::now();
    let mut leases = Table::new(LeaseSettings::default(), begin);
    let mut proven = |record: &Record| leases.begin(record, met(record, begin), begin);
    assert_eq!(proven(&record("a", "127.0.0.1:1", State::Ready)), Ok(()));
    let late = proven(&record("a", "127.0.0.1:2", State::Ready));
    assert_eq!(late, Err(Refused::AddressChanged));
    assert_eq!(proven(&record("a", "127.0.0.1:1", State::Draining)), Ok(()));
    assert_eq!(proven(&record("a", "127.0.0.1:1", State::Ready)), Ok(()));
    assert_eq!(
        state(&leases, "a"),
        Some(State::Draining),
        "it does not go back"
    );
    assert_eq!(leases.list()[0].addr, "127.0.0.1:1");
}

#[test]
fn an_address_never_changes_and_the_lease_has_the_proven_one() {
    let begin = Instant::now();
    let mut leases = Table::new(LeaseSettings::default(), begin);
    let named = record("a", "upload:1", State::Ready);
    let proven = met(&record("a", "127.0.0.1:1", State::Ready), begin);
    leases.begin(&named, proven, begin).unwrap();
    assert_eq!(leases.list()[0].addr, "127.0.0.1:1");
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
    let mut leases = Table::new(settings, begin);
    for number in 0..most {
        let address = format!("127.0.0.1:{}", number + 1);
        beat(
            &mut leases,
            &record(&number.to_string(), &address, State::Ready),
            begin,
        );
    }
    let full = leases.check_room("upload");
    assert_eq!(full, Err(Refused::Full("upload".to_owned())));
    assert_eq!(leases.check_room("download"), Ok(()));
    // Those that have fallen silent make room for who proves itself, one for one.
    for second in 1..=20 {
        leases.sweep(begin + Duration::from_secs(second));
    }
    let silent = begin + Duration::from_secs(20);
    let newcomer = record("newcomer", "127.0.0.1:9000", State::Ready);
    beat(&mut leases, &newcomer, silent);
    assert!(leases.list().contains(&newcomer));
    assert_eq!(leases.list().len(), most);
}

#[test]
fn nobody_ends_the_lease_of_another_service() {
    let begin = Instant::now();
    let mut leases = Table::new(LeaseSettings::default(), begin);
    says(&mut leases, ("a", "127.0.0.1:1", State::Ready), begin);
    let other = Holder {
        service: "download".to_owned(),
        instance: "a".to_owned(),
    };
    leases.leave(&other, begin);
    assert_eq!(instances(&leases), ["a"]);
    leases.leave(&watcher("a"), begin);
    assert!(instances(&leases).is_empty());
}

#[test]
fn the_end_of_the_warm_up_is_a_change() {
    let begin = Instant::now();
    let mut leases = Table::new(LeaseSettings::default(), begin);
    let before = leases.revision();
    assert!(leases.is_warming(begin));
    let later = begin + Duration::from_secs(11);
    leases.sweep(later);
    assert!(leases.revision() > before);
    assert!(!leases.is_warming(later));
}
