//! Which instance is asked, which is left alone for a while, and what is asked of another one.

use slipway_contract::record::State;
use tokio::net::TcpListener;

use crate::harness::{Answer, Running, Wire, ask, field, gateway, listen, nobody, request};

const PUT: &str = "PUT /api/v1/apps/notes/packages/x.bin";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
const SHED: &str = "HTTP/1.1 503 Service Unavailable\r\nX-Slipway-Unprocessed: 1\r\nRetry-After: 1\r\n\
                    Content-Length: 4\r\nConnection: close\r\n\r\nbusy";
const AWAY: &str =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\naway";

async fn two(service: &str) -> (Running, TcpListener, TcpListener) {
    let ((one, at_one), (other, at_other)) = (listen().await, listen().await);
    let gateway = gateway(&[(service, "one", at_one), (service, "other", at_other)]).await;
    (gateway, one, other)
}

/// Whoever of two is asked next; the name is that of the record.
async fn next(one: &TcpListener, other: &TcpListener) -> (&'static str, Wire) {
    tokio::select! {
        wire = Wire::accept(one) => ("one", wire),
        wire = Wire::accept(other) => ("other", wire),
    }
}

/// What the two answer, one after another, whoever is asked; returns the names of those who were.
fn answering(
    one: TcpListener,
    other: TcpListener,
    answers: &'static [&'static str],
) -> tokio::task::JoinHandle<Vec<&'static str>> {
    tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (name, mut wire) = next(&one, &other).await;
            wire.head().await;
            wire.send(answer).await;
            asked.push(name);
        }
        asked
    })
}

fn told(answer: &Answer) -> (u16, &str) {
    (
        answer.status,
        std::str::from_utf8(&answer.body).expect("words"),
    )
}

#[tokio::test]
async fn a_request_goes_to_whom_the_fewest_are_on_their_way() {
    let (gateway, one, other) = two("download").await;
    // An answer that has begun and not ended counts.
    let mut waiting = Wire::connect(gateway.address).await;
    waiting.send(request("GET /a/notes", "")).await;
    let (first, mut wire) = next(&one, &other).await;
    wire.head().await;
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        .await;
    waiting.head().await;
    let free = if first == "one" { other } else { one };
    for _ in 0..4 {
        let asking = tokio::spawn(ask(gateway.address, request("GET /a/notes", "")));
        let mut wire = Wire::accept(&free).await;
        wire.head().await;
        wire.send(OK).await;
        assert_eq!(asking.await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn whoever_drains_is_asked_when_nobody_else_is_there() {
    let (gateway, one, other) = two("download").await;
    let record = |name: &str, listener: &TcpListener, state| {
        let address = listener.local_addr().expect("an address").to_string();
        let mut record = slipway_testkit::record("download", name, &address);
        record.state = state;
        record
    };
    let draining = record("one", &one, State::Draining);
    let ready = record("other", &other, State::Ready);
    for (records, listener) in [
        (vec![draining.clone(), ready], &other),
        (vec![draining], &one),
    ] {
        gateway.peers.view.replace(records);
        for _ in 0..3 {
            let asking = tokio::spawn(ask(gateway.address, request("GET /a/notes", "")));
            let mut wire = Wire::accept(listener).await;
            wire.head().await;
            wire.send(OK).await;
            assert_eq!(asking.await.unwrap().status, 200);
        }
    }
}

#[tokio::test]
async fn idle_connections_to_whoever_drains_end_here_first() {
    let (listener, address) = listen().await;
    let gateway = gateway(&[("download", "it", address)]).await;
    let asking = tokio::spawn(ask(gateway.address, request("GET /a/notes", "")));
    let mut wire = Wire::accept(&listener).await;
    wire.head().await;
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .await;
    assert_eq!(asking.await.unwrap().status, 200);
    let began = std::time::Instant::now();
    let mut record = slipway_testkit::record("download", "it", &address.to_string());
    record.state = State::Draining;
    gateway.peers.view.replace(vec![record]);
    assert!(wire.rest().await.is_empty());
    // Without it they end by themselves after five.
    assert!(
        began.elapsed() < std::time::Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn one_that_says_it_drains_is_asked_no_more_and_the_world_does_not_see_it() {
    let (gateway, one, other) = two("download").await;
    let asking = tokio::spawn(ask(gateway.address, request("GET /a/notes", "")));
    let (first, mut wire) = next(&one, &other).await;
    wire.head().await;
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Slipway-Draining: 1\r\n\r\nok")
        .await;
    let answer = asking.await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(!answer.head.contains("x-slipway"), "{}", answer.head);
    assert!(wire.rest().await.is_empty());
    let free = if first == "one" { other } else { one };
    for _ in 0..4 {
        let asking = tokio::spawn(ask(gateway.address, request("GET /a/notes", "")));
        let mut wire = Wire::accept(&free).await;
        wire.head().await;
        wire.send(OK).await;
        assert_eq!(asking.await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn what_was_refused_before_any_work_goes_to_another_with_its_whole_body() {
    let (gateway, one, other) = two("upload").await;
    let service = tokio::spawn(async move {
        let (first, mut wire) = next(&one, &other).await;
        wire.head().await;
        wire.send(SHED).await;
        let (second, mut wire) = next(&one, &other).await;
        wire.head().await;
        wire.send(CONTINUE).await;
        let body = wire.exactly(5).await;
        wire.send(OK).await;
        (first, second, body)
    });
    let answer = ask(
        gateway.address,
        request(PUT, "Content-Length: 5\r\n") + "hello",
    )
    .await;
    assert_eq!(told(&answer), (200, "ok"));
    let (first, second, body) = service.await.unwrap();
    assert_ne!(first, second);
    assert_eq!(body, b"hello");
}

#[tokio::test]
async fn when_everybody_has_too_much_to_do_it_is_said_once_and_plainly() {
    let (gateway, one, other) = two("upload").await;
    let service = answering(one, other, &[SHED, SHED]);
    let answer = ask(
        gateway.address,
        request("POST /api/v1/apps/notes/uploads", ""),
    )
    .await;
    assert_eq!(told(&answer), (503, "busy"));
    assert!(!answer.head.contains("x-slipway"), "{}", answer.head);
    assert_eq!(service.await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_question_that_one_cannot_answer_for_the_moment_goes_to_one_other() {
    for (answers, wanted) in [
        (&[AWAY, OK][..], (200, "ok")),
        (&[AWAY, AWAY], (503, "away")),
    ] {
        let (gateway, one, other) = two("catalog").await;
        let service = answering(one, other, answers);
        let answer = ask(gateway.address, request("GET /api/v1/apps", "")).await;
        assert_eq!(told(&answer), wanted);
        let asked = service.await.unwrap();
        assert_ne!(asked[0], asked[1]);
    }
}

#[tokio::test]
async fn what_changes_something_is_not_asked_again_because_of_a_bad_answer() {
    let (gateway, one, other) = two("catalog").await;
    let service = answering(one, other, &[AWAY]);
    let answer = ask(gateway.address, request("POST /api/v1/apps", "")).await;
    assert_eq!(told(&answer), (503, "away"));
    assert_eq!(service.await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_that_errs_five_times_in_a_row_is_left_alone() {
    let (gateway, one, other) = two("catalog").await;
    // The first errs, whoever that is, and the other does not.
    let service = tokio::spawn(async move {
        let mut erring = "";
        let mut asked = [0, 0];
        for _ in 0..60 {
            let (name, mut wire) = next(&one, &other).await;
            if erring.is_empty() {
                erring = name;
            }
            wire.head().await;
            wire.send(if name == erring { AWAY } else { OK }).await;
            asked[usize::from(name == erring)] += 1;
        }
        asked
    });
    let post = request("POST /api/v1/apps", "");
    let began = std::time::Instant::now();
    let mut away = 0;
    for _ in 0..60 {
        let answer = ask(gateway.address, &post).await;
        away += usize::from(answer.status == 503);
    }
    let asked = service.await.unwrap();
    assert_eq!(asked[1], away);
    // One more for every time that it was tried again: after a second at the earliest.
    let tries = usize::try_from(began.elapsed().as_secs()).expect("seconds");
    assert!(
        (5..=5 + tries).contains(&away),
        "{away} in {:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn the_last_one_is_asked_whatever_it_answers() {
    let (listener, address) = listen().await;
    let gateway = gateway(&[("catalog", "alone", address)]).await;
    let service = tokio::spawn(async move {
        for number in 0..12 {
            let mut wire = Wire::accept(&listener).await;
            wire.head().await;
            wire.send(if number < 11 { AWAY } else { OK }).await;
        }
    });
    for _ in 0..11 {
        assert_eq!(
            ask(gateway.address, request("POST /api/v1/apps", ""))
                .await
                .status,
            503
        );
    }
    assert_eq!(
        ask(gateway.address, request("POST /api/v1/apps", ""))
            .await
            .status,
        200
    );
    service.await.unwrap();
}

#[tokio::test]
async fn a_process_that_is_started_anew_is_asked_at_once() {
    let (listener, address) = listen().await;
    let gone = nobody().await;
    let gateway = gateway(&[("upload", "gone", gone), ("upload", "here", address)]).await;
    let service = tokio::spawn(async move {
        for _ in 0..4 {
            let mut wire = Wire::accept(&listener).await;
            wire.head().await;
            wire.send(OK).await;
        }
    });
    let post = request("POST /api/v1/apps/notes/uploads", "");
    for _ in 0..4 {
        assert_eq!(ask(gateway.address, &post).await.status, 200);
    }
    service.await.unwrap();
    // It comes back at its address with another name, and the other one leaves.
    let again = TcpListener::bind(gone).await.expect("its port");
    let record = slipway_testkit::record("upload", "anew", &gone.to_string());
    gateway.peers.view.replace(vec![record]);
    let asking = tokio::spawn(ask(gateway.address, post));
    let mut wire = Wire::accept(&again).await;
    assert_eq!(
        field(&wire.head().await, "x-slipway-instance"),
        Some("anew")
    );
    wire.send(OK).await;
    assert_eq!(asking.await.unwrap().status, 200);
}
