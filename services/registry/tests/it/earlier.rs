//! Instances of 0.2.0 register, watch and leave as they did.

use http::{Method, StatusCode};
use slipway_contract::services::NAMES;
use slipway_testkit::earlier::asked;

use crate::fixture::Fixture;

#[tokio::test]
async fn instances_of_0_2_0_register_watch_and_leave() {
    let fixture = Fixture::new().await;
    let mut running = Vec::new();
    let mut calls = asked(include_str!("../earlier/0.2.0.json"));
    let order = ["PUT", "GET", "DELETE"];
    calls.sort_by_key(|call| order.iter().position(|method| *method == call.method()));
    for call in &mut calls {
        // Its name and its address are those of one that is here, and answers when it is asked who it is.
        let caller = call.caller.clone();
        if call.method() == "PUT" {
            let service = NAMES
                .into_iter()
                .find(|name| *name == caller)
                .expect("a service");
            let instance = fixture.instance(service).await;
            call.body["instance"] = instance.process.instance.to_string().into();
            call.body["addr"] = instance.address.to_string().into();
            running.push(instance);
        }
        let is_its = |one: &&slipway_testkit::start::Running| one.process.service == caller;
        let id = running
            .iter()
            .find(is_its)
            .expect("it has registered")
            .process
            .instance
            .clone();
        let watching = call.path.contains('?');
        call.path = if watching {
            format!("/internal/instances?watcher={id}")
        } else {
            format!("/internal/instances/{id}")
        };
        let method = Method::from_bytes(call.method().as_bytes()).expect("a method");
        let body = if call.body.is_null() {
            String::new()
        } else {
            call.body.to_string()
        };
        let answer = fixture.ask(&caller, method, &call.path, &body).await;
        let status = StatusCode::from_u16(answer.status).expect("a status");
        call.holds(status, &answer.body);
    }
    assert_eq!(running.len(), 5);
}
