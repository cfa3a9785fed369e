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

fn snapshot(warming: bool, instances: Vec<Record>) -> Snapshot {
    Snapshot {
        epoch: "e".to_owned(),
        revision: 1,
        warming,
        instances,
    }
}

#[test]
fn ready_instances_are_tried_before_draining_ones_and_in_turn() {
    let view = View::fixed(vec![
        record("a", "1:1", State::Ready),
        record("b", "1:2", State::Draining),
        record("c", "1:3", State::Ready),
        record("d", "1:4", State::Starting),
        record("e", "1:5", State::Suspect),
        record("f", "1:6", State::Gone),
    ]);
    let first = view.candidates("upload");
    let second = view.candidates("upload");
    assert_eq!(first.len(), 4);
    assert_eq!(first[2].instance, "b");
    assert_eq!(first[3].instance, "e", "only when there is nobody else");
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

#[test]
fn who_is_out_of_service_is_never_asked_and_comes_back() {
    let named = |instance, addr, name: &str| Record {
        name: name.to_owned(),
        ..record(instance, addr, State::Ready)
    };
    let view = View::fixed(vec![
        named("a", "1:1", "upload-1"),
        named("b", "1:2", "web1:upload-1"),
        named("c", "1:3", ""),
    ]);
    let asked = || {
        let found = view.candidates("upload").into_iter();
        found.map(|r| r.instance).collect::<BTreeSet<_>>()
    };
    let mut changes = view.subscribe();
    for (out, left) in [
        (&["upload-1"][..], &["b", "c"][..]),
        (&["web1"], &["a", "c"]),
        (&["web1:upload-1", "upload-1", ""], &["c"]),
        (&["web", "1"], &["a", "b", "c"]),
    ] {
        view.set_out(out.iter().map(|&name| name.to_owned()).collect());
        assert!(changes.has_changed().expect("a view"));
        changes.mark_unchanged();
        let left: BTreeSet<_> = left.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(asked(), left, "without {out:?}");
    }
    assert!(view.knows("upload"), "it is there all the same");
}

#[test]
fn connections_to_who_leaves_are_ended_before_anybody_is_told_that_it_is_known() {
    let view = View::open(PathBuf::new());
    let parted: Arc<Mutex<Vec<String>>> = Arc::default();
    let parting = parted.clone();
    view.when_leaving(move |record| parting.lock().unwrap().push(record.instance.clone()));
    let told = |list: Vec<Record>| {
        view.apply("r", Some(snapshot(false, list)));
        std::mem::take(&mut *parted.lock().unwrap())
    };
    let all = |b, c| {
        vec![
            record("a", "1:1", State::Ready),
            record("b", "1:2", b),
            record("c", "1:3", c),
        ]
    };
    assert!(told(all(State::Ready, State::Suspect)).is_empty());
    assert_eq!(told(all(State::Draining, State::Ready)), ["b"]);
    assert!(told(all(State::Draining, State::Ready)).is_empty(), "once");
    assert_eq!(told(all(State::Gone, State::Gone)), ["c"]);
}

#[test]
fn an_instance_that_says_that_it_leaves_is_believed_without_a_registry() {
    let view = View::fixed(vec![
        record("a", "1:1", State::Ready),
        record("b", "1:2", State::Ready),
    ]);
    view.leaves("upload", "a");
    view.leaves("upload", "nobody");
    let asked = |view: &View| view.candidates("upload").remove(0).instance;
    assert!((0..4).all(|_| asked(&view) == "b"));
    let both = || {
        vec![
            record("a", "1:1", State::Ready),
            record("b", "1:2", State::Ready),
        ]
    };
    view.apply("r", Some(snapshot(true, both())));
    assert!(
        (0..4).all(|_| asked(&view) == "b"),
        "a registry that is behind takes nothing back"
    );
}
