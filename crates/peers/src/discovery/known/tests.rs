use super::*;

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

#[expect(clippy::unnecessary_wraps, reason = "as a node answers")]
fn snapshot(warming: bool, instances: Vec<Record>) -> Option<Snapshot> {
    Some(Snapshot {
        epoch: "e".to_owned(),
        revision: 1,
        warming,
        instances,
    })
}

fn states(known: &Known) -> Vec<(&str, State)> {
    let records = known.records().iter();
    records.map(|r| (r.instance.as_str(), r.state)).collect()
}

#[test]
fn a_registry_that_has_just_started_removes_nobody() {
    let mut known = Known::new(vec![
        record("a", "1:1", State::Ready),
        record("b", "1:2", State::Ready),
    ]);
    let now = Instant::now();
    let new = || vec![record("c", "1:1", State::Ready)];
    assert!(known.apply("r", snapshot(true, new()), now));
    let both = [("b", State::Ready), ("c", State::Ready)];
    assert_eq!(states(&known), both, "a's address belongs to c now");
    assert!(known.apply("r", snapshot(false, new()), now));
    assert_eq!(states(&known), [("c", State::Ready)]);
}

#[test]
fn a_registry_is_warm_when_it_says_so_and_answers() {
    let mut known = Known::default();
    let now = Instant::now();
    assert!(!known.is_warm("r", "e"), "it has said nothing");
    known.apply("r", snapshot(true, Vec::new()), now);
    assert!(!known.is_warm("r", "e"));
    known.apply("r", snapshot(false, Vec::new()), now);
    assert!(known.is_warm("r", "e"));
    assert!(!known.is_warm("r", "f"), "another has taken its place");
    known.apply("r", None, now);
    assert!(!known.is_warm("r", "e"), "it is away");
}

#[test]
fn the_instance_of_one_service_takes_no_place_of_another() {
    let real = record("a", "1:1", State::Ready);
    let liar = Record {
        service: "gateway".to_owned(),
        ..record("a", "1:1", State::Gone)
    };
    let now = Instant::now();
    for warming in [false, true] {
        let mut known = Known::default();
        let both = snapshot(warming, vec![liar.clone(), real.clone()]);
        known.apply("r", both, now);
        assert!(known.records().contains(&real));
    }
    let mut known = Known::new(vec![real.clone()]);
    known.apply("r", snapshot(true, vec![liar]), now);
    assert!(known.records().contains(&real));
}

#[test]
fn a_node_that_is_behind_takes_nothing_back() {
    let mut known = Known::default();
    let now = Instant::now();
    let say = |state| snapshot(false, vec![record("a", "1:1", state)]);
    known.apply("one", say(State::Draining), now);
    known.apply("two", say(State::Ready), now);
    assert_eq!(states(&known), [("a", State::Draining)]);
    known.apply("one", snapshot(false, Vec::new()), now);
    assert_eq!(states(&known), [("a", State::Draining)], "two is behind");
    known.apply("one", say(State::Gone), now);
    assert!(states(&known).is_empty());
    known.apply("one", snapshot(false, Vec::new()), now);
    assert!(states(&known).is_empty(), "two is still behind");
}

#[test]
fn a_node_that_does_not_hear_from_an_instance_suspects_it_alone() {
    let mut known = Known::default();
    let now = Instant::now();
    let say = |state| snapshot(false, vec![record("a", "1:1", state)]);
    known.apply("one", say(State::Suspect), now);
    assert_eq!(states(&known), [("a", State::Suspect)]);
    known.apply("two", say(State::Ready), now);
    assert_eq!(states(&known), [("a", State::Ready)]);
    // The last word of one that is silent counts as it would have there.
    for (seconds, state) in [(0, State::Ready), (11, State::Suspect)] {
        known.apply("two", None, now);
        known.apply(
            "one",
            say(State::Suspect),
            now + Duration::from_secs(seconds),
        );
        assert_eq!(states(&known), [("a", state)]);
    }
    known.apply(
        "one",
        snapshot(false, vec![record("b", "1:2", State::Ready)]),
        now + LAST_WORD,
    );
    assert_eq!(states(&known), [("b", State::Ready)]);
}

#[test]
fn when_no_node_answers_what_was_known_stays() {
    let mut known = Known::default();
    let now = Instant::now();
    known.apply(
        "r",
        snapshot(false, vec![record("a", "1:1", State::Ready)]),
        now,
    );
    assert!(!known.apply("r", None, now + Duration::from_hours(9)));
    assert!(known.is_kept());
    assert_eq!(states(&known), [("a", State::Ready)]);
}

#[test]
fn all_instances_of_a_service_are_not_forgotten_at_once() {
    let begin = Instant::now();
    let at = |seconds| begin + Duration::from_secs(seconds);
    let both = vec![
        record("a", "1:1", State::Ready),
        record("b", "1:2", State::Ready),
    ];
    let mut known = Known::new(both.clone());
    let nobody = || snapshot(false, Vec::new());
    for second in [0, 30, 59] {
        known.apply("r", nobody(), at(second));
        let suspects = [("a", State::Suspect), ("b", State::Suspect)];
        assert_eq!(states(&known), suspects);
    }
    known.apply("r", nobody(), at(60));
    assert!(states(&known).is_empty());

    // Where somebody is there, a list is believed; and one that begins is nobody yet.
    let mut known = Known::new(both.clone());
    let starting = || snapshot(false, vec![record("c", "1:1", State::Starting)]);
    known.apply("r", starting(), begin);
    assert_eq!(
        states(&known),
        [("b", State::Suspect), ("c", State::Starting)]
    );
    known.apply(
        "r",
        snapshot(false, vec![record("c", "1:1", State::Ready)]),
        begin,
    );
    assert_eq!(states(&known), [("c", State::Ready)]);
    known.apply("r", nobody(), at(100));
    assert_eq!(states(&known), [("c", State::Suspect)], "another minute");

    // Nor is one missed that was said to leave.
    let mut known = Known::new(both);
    let gone = vec![
        record("a", "1:1", State::Gone),
        record("b", "1:2", State::Draining),
    ];
    known.apply("r", snapshot(false, gone), begin);
    known.apply("r", nobody(), begin);
    assert!(states(&known).is_empty());
}
