//! When somebody goes away: the client, or the service, before and after the head.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use crate::harness::{Wire, ask, gateway, gateway_with, listen, patience, request};

const PUT: &str = "PUT /api/v1/apps/notes/packages/notes.apk";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

#[tokio::test]
async fn a_service_that_ends_before_its_answer_is_502_and_is_not_asked_again_for_what_changes_something()
 {
    let (listener, upload) = listen().await;
    let (spare, second) = listen().await;
    let gateway = gateway(&[("upload", "a", upload), ("upload", "b", second)]).await;
    let service = tokio::spawn(async move {
        let mut wire = tokio::select! {
            wire = Wire::accept(&listener) => wire,
            wire = Wire::accept(&spare) => wire,
        };
        wire.head().await;
        drop(wire);
        (listener, spare)
    });
    let answer = ask(
        gateway.address,
        request("POST /api/v1/apps/notes/uploads", ""),
    )
    .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (502, "upstream_failed")
    );
    let (listener, spare) = service.await.unwrap();
    let again = async {
        tokio::select! {
            _ = listener.accept() => {}
            _ = spare.accept() => {}
        }
    };
    assert!(
        tokio::time::timeout(Duration::ZERO, again).await.is_err(),
        "it was asked again"
    );
}

#[tokio::test]
async fn a_question_whose_service_ends_before_its_answer_goes_to_another_and_then_back() {
    let (listener, download) = listen().await;
    let (spare, second) = listen().await;
    let gateway = gateway(&[("download", "a", download), ("download", "b", second)]).await;
    let services = tokio::spawn(async move {
        let mut asked = Vec::new();
        for _ in 0..3 {
            let (name, mut wire) = tokio::select! {
                wire = Wire::accept(&listener) => ("a", wire),
                wire = Wire::accept(&spare) => ("b", wire),
            };
            wire.head().await;
            asked.push(name);
            if asked.len() == 3 {
                wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
                    .await;
            }
        }
        asked
    });
    let answer = ask(gateway.address, request("GET /a/notes", "")).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"ok"[..]));
    let asked = services.await.unwrap();
    assert_ne!(asked[0], asked[1]);
    assert_eq!(asked[0], asked[2], "it may be there again");
}

/// It has the request and says nothing; new connections it takes and leaves.
#[tokio::test]
async fn a_question_without_an_answer_goes_to_another_after_a_second_and_the_first_is_told_to_stop()
{
    let (listener, download) = listen().await;
    let (spare, second) = listen().await;
    let gateway = gateway(&[("download", "a", download), ("download", "b", second)]).await;
    let began = std::time::Instant::now();
    let asking = tokio::spawn(ask(gateway.address, request("GET /a/notes", "")));
    let (mut hanging, other) = tokio::select! {
        wire = Wire::accept(&listener) => (wire, spare),
        wire = Wire::accept(&spare) => (wire, listener),
    };
    hanging.head().await;
    let mut wire = Wire::accept(&other).await;
    wire.head().await;
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .await;
    assert_eq!(asking.await.unwrap().status, 200);
    let took = began.elapsed();
    assert!(
        took > Duration::from_secs(1) && took < Duration::from_secs(3),
        "{took:?}"
    );
    assert!(hanging.rest().await.is_empty(), "the end of the first");
    // Its turn would be now, but it is behind the other until it proves itself.
    for _ in 0..3 {
        let asking = tokio::spawn(ask(gateway.address, request("GET /a/notes", "")));
        wire.head().await;
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .await;
        assert_eq!(asking.await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_question_to_a_service_that_hangs_is_503_within_seconds() {
    let (listener, download) = listen().await;
    let gateway = gateway(&[("download", "d", download)]).await;
    let began = std::time::Instant::now();
    let asking = tokio::spawn(ask(gateway.address, request("GET /a/notes", "")));
    let mut wire = Wire::accept(&listener).await;
    wire.head().await;
    let answer = asking.await.unwrap();
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "download_unavailable")
    );
    assert_eq!(answer.field("retry-after"), Some("1"));
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_service_that_ends_in_its_answer_cuts_the_answer_off() {
    for (head, sent) in [
        ("Content-Length: 10\r\n", "hello"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n"),
    ] {
        let (listener, download) = listen().await;
        let gateway = gateway(&[("download", "d", download)]).await;
        tokio::spawn(async move {
            let mut wire = Wire::accept(&listener).await;
            wire.head().await;
            wire.send(format!("HTTP/1.1 200 OK\r\n{head}\r\n{sent}"))
                .await;
        });
        let mut client = Wire::connect(gateway.address).await;
        client.send(request("GET /d/notes/1.0/x.bin", "")).await;
        assert!(client.head().await.starts_with("HTTP/1.1 200"));
        assert_eq!(
            client.rest().await,
            sent.as_bytes(),
            "an end that looks whole, or none"
        );
    }
}

#[tokio::test]
async fn a_service_that_hangs_is_504() {
    for (asked, service, head) in [
        ("GET /a/notes", "download", ""),
        (PUT, "upload", "Content-Length: 100000000\r\n"),
    ] {
        let (listener, address) = listen().await;
        let gateway = gateway_with(&[(service, "s", address)], patience(2)).await;
        let mut client = Wire::connect(gateway.address).await;
        client.send(request(asked, head)).await;
        let mut wire = Wire::accept(&listener).await;
        wire.head().await;
        if !head.is_empty() {
            // The system takes a part of the body and no more: nobody reads it.
            client.send_until_refused(100_000_000).await;
        }
        let answer = client.answer().await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (504, "upstream_timeout"),
            "{asked}"
        );
        if !head.is_empty() {
            // The service still hangs with a part of the body; the client's connection ends all the same.
            client.rest().await;
        }
    }
}

#[tokio::test]
async fn a_service_is_not_given_up_while_a_slow_body_moves() {
    let (listener, upload) = listen().await;
    let gateway = gateway_with(&[("upload", "u", upload)], patience(1)).await;
    let mut client = Wire::connect(gateway.address).await;
    client.send(request(PUT, "Content-Length: 12\r\n")).await;
    let mut wire = Wire::accept(&listener).await;
    wire.head().await;
    wire.send(CONTINUE).await;
    let mut pace = tokio::time::interval(Duration::from_millis(200));
    for _ in 0..12 {
        pace.tick().await;
        client.send("x").await;
        wire.exactly(1).await;
    }
    wire.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.status, 201);
}

#[tokio::test]
async fn an_answer_that_stops_is_cut_off() {
    let (listener, download) = listen().await;
    let gateway = gateway_with(&[("download", "d", download)], patience(1)).await;
    let mut client = Wire::connect(gateway.address).await;
    client.send(request("GET /d/notes/1.0/x.bin", "")).await;
    let mut wire = Wire::accept(&listener).await;
    wire.head().await;
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        .await;
    client.head().await;
    assert_eq!(client.rest().await, b"hello");
}

#[tokio::test]
async fn a_client_that_goes_away_in_its_body_leaves_no_whole_body_behind() {
    for (fields, sent) in [
        ("Content-Length: 10\r\n", "hello"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n"),
    ] {
        let (listener, upload) = listen().await;
        let gateway = gateway(&[("upload", "u", upload)]).await;
        let mut client = Wire::connect(gateway.address).await;
        client.send(request(PUT, fields) + sent).await;
        let mut wire = Wire::accept(&listener).await;
        wire.head().await;
        wire.send(CONTINUE).await;
        let begun = wire.exactly(sent.len()).await;
        drop(client);
        assert_eq!(
            (begun.as_slice(), wire.rest().await),
            (sent.as_bytes(), Vec::new()),
            "{fields}"
        );
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_never_taken_for_whole() {
    let (listener, upload) = listen().await;
    let gateway = gateway(&[("upload", "u", upload)]).await;
    let mut client = Wire::connect(gateway.address).await;
    client
        .send(request(PUT, "Content-Length: 10\r\n") + "hello")
        .await;
    client.stream.shutdown().await.unwrap();
    let mut wire = Wire::accept(&listener).await;
    wire.head().await;
    wire.send(CONTINUE).await;
    assert_eq!(wire.rest().await, b"hello");
    let answer = String::from_utf8(client.rest().await).unwrap();
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
        "{answer}"
    );
}

#[tokio::test]
async fn chunks_that_cannot_be_read_are_the_clients_fault() {
    for body in [
        "x\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\n0\n\n",
    ] {
        let (listener, upload) = listen().await;
        let gateway = gateway(&[("upload", "u", upload)]).await;
        let service = tokio::spawn(async move {
            let mut wire = Wire::accept(&listener).await;
            wire.head().await;
            wire.send(CONTINUE).await;
            wire.rest().await
        });
        let answer = ask(
            gateway.address,
            request(PUT, "Transfer-Encoding: chunked\r\n") + body,
        )
        .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "body_incomplete"),
            "{body:?}"
        );
        assert_eq!(answer.field("connection"), Some("close"));
        let received = service.await.unwrap();
        assert!(
            !received.ends_with(b"0\r\n\r\n"),
            "{body:?} was passed on as whole"
        );
    }
}

#[tokio::test]
async fn a_client_that_goes_away_while_it_waits_ends_the_request_of_the_service() {
    let (listener, catalog) = listen().await;
    let gateway = gateway(&[("catalog", "c", catalog)]).await;
    let mut client = Wire::connect(gateway.address).await;
    client.send(request("GET /api/v1/apps", "")).await;
    let mut wire = Wire::accept(&listener).await;
    wire.head().await;
    drop(client);
    assert!(wire.rest().await.is_empty());
}

#[tokio::test]
async fn a_client_that_goes_away_in_an_answer_ends_the_answer() {
    let (listener, download) = listen().await;
    let gateway = gateway(&[("download", "d", download)]).await;
    let mut client = Wire::connect(gateway.address).await;
    client.send(request("GET /d/notes/1.0/x.bin", "")).await;
    let mut wire = Wire::accept(&listener).await;
    wire.head().await;
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        .await;
    client.head().await;
    drop(client);
    let sent = wire.send_until_refused(1_000_000_000).await;
    assert!(sent < 500_000_000, "{sent} bytes were taken for nobody");
}

#[tokio::test]
async fn a_gateway_that_ends_answers_what_comes_on_its_connections_and_says_that_it_is_the_last() {
    let gateway = gateway(&[]).await;
    let mut new = Wire::connect(gateway.address).await;
    let mut kept = Wire::connect(gateway.address).await;
    let asked = request("GET /nowhere", "");
    // Those who came before are accepted before it is answered.
    kept.send(&asked).await;
    let before = kept.answer().await;
    assert!(!before.head.contains("connection: close"), "{before:?}");
    gateway.stop.cancel();
    for wire in [&mut new, &mut kept] {
        wire.send(&asked).await;
        let last = wire.answer().await;
        assert_eq!(last.status, 404);
        assert!(last.head.contains("connection: close"), "{last:?}");
        assert!(wire.rest().await.is_empty(), "it ends");
    }
}
