//! What holds whatever happens to a table, in any order.

use proptest::prelude::*;

use super::*;

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

fn living(leases: &Table) -> Vec<Record> {
    let mut list = leases.list();
    list.retain(|record| record.state != State::Gone);
    list
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
    let mut leases = Table::new(settings, begin);
    let (mut now, mut before) = (begin, living(&leases));
    let mut revision = leases.revision();
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
                if leases.renew(&record, now) == Ok(false) {
                    // A refusal changes nothing, which is what is looked at below.
                    let _ = leases.begin(&record, met(&record, now), now);
                }
            }
            Happens::Leave(service, instance) => {
                let holder = Holder {
                    service: service.to_owned(),
                    instance: instance.to_string(),
                };
                leases.leave(&holder, now);
            }
            Happens::Sweep => leases.sweep(now),
        }
        let after = living(&leases);
        prop_assert!(leases.revision() >= revision);
        prop_assert!(
            leases.revision() > revision || after == before,
            "a change without a revision"
        );
        revision = leases.revision();
        let gone = leases
            .list()
            .into_iter()
            .filter(|record| record.state == State::Gone);
        prop_assert!(gone.count() <= 2 * MOST);
        for one in &after {
            let of_service = || after.iter().filter(|other| other.service == one.service);
            prop_assert!(of_service().count() <= MOST);
            prop_assert_eq!(
                of_service().filter(|other| other.addr == one.addr).count(),
                1
            );
            let earlier = before
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
