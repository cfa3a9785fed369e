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

fn snapshot(warming: bool, instances: Vec<Record>) -> Snapshot {
    Snapshot {
        epoch: "e".to_owned(),
        revision: 1,
        warming,
        instances,
    }
}

#[test]
fn a_registry_that_has_just_started_removes_nobody() {
    let old = vec![
        record("a", "1:1", State::Ready),
        record("b", "1:2", State::Ready),
    ];
    let warm = snapshot(true, vec![record("c", "1:1", State::Ready)]);
    let names: Vec<_> = merge(&old, [&warm].into_iter())
        .into_iter()
        .map(|r| r.instance)
        .collect();
    assert_eq!(names, ["b", "c"], "a's address belongs to c now");
    let settled = snapshot(false, vec![record("c", "1:1", State::Ready)]);
    assert_eq!(merge(&old, [&settled].into_iter()).len(), 1);
}

#[test]
fn the_instance_of_one_service_takes_no_place_of_another() {
    let real = record("a", "1:1", State::Ready);
    let liar = Record {
        service: "gateway".to_owned(),
        ..record("a", "1:1", State::Draining)
    };
    for warming in [false, true] {
        let both = snapshot(warming, vec![liar.clone(), real.clone()]);
        assert!(merge(&[], [&both].into_iter()).contains(&real));
    }
    let one = snapshot(true, vec![liar]);
    assert!(merge(std::slice::from_ref(&real), [&one].into_iter()).contains(&real));
}

#[test]
fn ready_instances_are_tried_before_draining_ones_and_in_turn() {
    let view = View::fixed(vec![
        record("a", "1:1", State::Ready),
        record("b", "1:2", State::Draining),
        record("c", "1:3", State::Ready),
        record("d", "1:4", State::Starting),
    ]);
    let first = view.candidates("upload");
    let second = view.candidates("upload");
    assert_eq!(first.len(), 3);
    assert_eq!(first[2].instance, "b");
    assert_ne!(first[0].instance, second[0].instance);
}

#[test]
fn who_is_met_is_added_and_takes_the_place_at_its_address() {
    let view = View::fixed(vec![
        record("a", "1:1", State::Ready),
        record("b", "1:2", State::Draining),
    ]);
    assert!(view.is_kept());
    let new = [
        record("b", "1:2", State::Ready),
        record("c", "1:1", State::Ready),
    ];
    view.meet(&new);
    let found: Vec<_> = view
        .candidates("upload")
        .into_iter()
        .map(|r| r.instance)
        .collect();
    assert_eq!(
        found,
        ["c", "b"],
        "a is gone, and b drains as it was known to"
    );
    let mut changes = view.subscribe();
    view.meet(&new);
    assert!(!changes.has_changed().expect("a view"), "nothing new");
    changes.mark_unchanged();
    let settled = snapshot(false, vec![record("d", "1:4", State::Ready)]);
    view.apply("r", Some(settled));
    assert!(!view.is_kept());
    assert_eq!(view.records().len(), 1, "the registry has the last word");
}

#[test]
fn who_is_doubted_is_asked_last_until_trusted_again() {
    let view = View::fixed(vec![
        record("a", "1:1", State::Ready),
        record("b", "1:2", State::Ready),
        record("c", "1:3", State::Draining),
    ]);
    assert!(view.doubt("upload", "a"));
    assert!(!view.doubt("upload", "a"), "once is enough");
    for _ in 0..4 {
        let names: Vec<_> = view
            .candidates("upload")
            .into_iter()
            .map(|r| r.instance)
            .collect();
        assert_eq!(names, ["b", "a", "c"]);
    }
    view.trust("upload", "a");
    let first: HashSet<_> = (0..4)
        .map(|_| view.candidates("upload")[0].instance.clone())
        .collect();
    assert_eq!(first.len(), 2);
}

/// Of a later version; the others in the same answer are used as before.
#[test]
fn an_instance_in_an_unknown_state_gets_no_traffic() {
    let later = r#"{"epoch":"e","revision":1,"warming":false,"more":1,"instances":[
        {"service":"upload","instance":"a","addr":"1:1","state":"RESTING","version":"9","started_at":0,"more":1},
        {"service":"upload","instance":"b","addr":"1:2","state":"READY","version":"9","started_at":0}]}"#;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let view = View::open(folder.path().join("view.json"));
    view.apply("r", Some(serde_json::from_str(later).expect("a snapshot")));
    assert_eq!(view.records().len(), 2);
    let names = |view: &View| {
        view.candidates("upload")
            .into_iter()
            .map(|r| r.instance)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&view), ["b"]);
    let kept = View::open(folder.path().join("view.json"));
    assert_eq!(names(&kept), ["b"]);
    let alone = View::fixed(vec![record("a", "1:1", State::Unknown)]);
    assert!(!alone.knows("upload"));
    assert!(State::Unknown.follows(State::Ready) && State::Ready.follows(State::Unknown));
}

#[test]
fn what_was_known_outlives_the_process_and_every_registry() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("view.json");
    let view = View::open(file.clone());
    view.apply(
        "r",
        Some(snapshot(false, vec![record("a", "1:1", State::Ready)])),
    );
    view.apply("r", None);
    assert!(view.knows("upload"));
    assert!(View::open(file).knows("upload"));
}
