//! What a service gets to see, what a client gets back, and which instance is asked.

use slipway_testkit::peer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{Wire, ask, field, gateway, listen, nobody, request};

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn a_service_sees_what_the_gateway_knows_and_nothing_that_a_client_claims() {
    let (listener, download) = listen().await;
    let gateway = gateway(&[("download", "the-instance", download)]).await;
    let service = tokio::spawn(async move {
        let mut wire = Wire::accept(&listener).await;
        let head = wire.head().await;
        wire.send(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Slipway-Instance: the-instance\r\nKeep-Alive: timeout=5\r\n\
             Connection: X-Hop\r\nX-Hop: 1\r\nX-Request-Id: theirs\r\nETag: \"e\"\r\n\r\nok",
        )
        .await;
        head
    });
    let fields = "Connection: X-Secret, X-Forwarded-For\r\nX-Secret: 1\r\nX-Slipway-Instance: forged\r\nX-Slipway-Caller: catalog\r\n\
                  X-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nX-Request-Id: mine\r\nTE: trailers\r\nRange: bytes=0-1\r\n";
    let answer = ask(
        gateway.address,
        request("GET /d/notes/1.0/a%20b.apk?arch=x86_64&x=%2F", fields),
    )
    .await;
    let head = service.await.unwrap();
    assert!(
        head.starts_with("GET /d/notes/1.0/a%20b.apk?arch=x86_64&x=%2F HTTP/1.1\r\n"),
        "{head}"
    );
    assert_eq!(field(&head, "x-slipway-instance"), Some("the-instance"));
    assert_eq!(field(&head, "x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(field(&head, "x-forwarded-proto"), Some("http"));
    assert_eq!(field(&head, "x-forwarded-host"), Some("apps.example.org"));
    assert_eq!(field(&head, "host"), Some("download"));
    assert_eq!(field(&head, "via"), Some("1.1 slipway"));
    assert_eq!(field(&head, "range"), Some("bytes=0-1"));
    assert_eq!(field(&head, "x-request-id"), answer.field("x-request-id"));
    for gone in [
        "forged",
        "catalog",
        "6.6.6.6",
        "mine",
        "x-secret",
        "trailers",
        "expect",
        "connection",
    ] {
        assert!(!head.contains(gone), "{gone} in {head}");
    }
    assert_eq!(
        (answer.status, answer.body.as_slice(), answer.field("etag")),
        (200, &b"ok"[..], Some("\"e\""))
    );
    let timing = answer.field("server-timing").expect("a time");
    let took = timing
        .strip_prefix("upstream;dur=")
        .expect("of the service");
    assert!(took.parse::<f64>().is_ok_and(|took| took > 0.0), "{timing}");
    for gone in ["x-slipway", "keep-alive", "x-hop", "theirs"] {
        assert!(!answer.head.contains(gone), "{gone} in {}", answer.head);
    }
}

#[tokio::test]
async fn a_target_with_an_authority_replaces_the_host() {
    let (listener, download) = listen().await;
    let gateway = gateway(&[("download", "d", download)]).await;
    let service = tokio::spawn(async move {
        let mut wire = Wire::accept(&listener).await;
        let head = wire.head().await;
        wire.send(OK).await;
        head
    });
    ask(
        gateway.address,
        request("GET http://Real.example/a/notes", ""),
    )
    .await;
    let head = service.await.unwrap();
    assert!(head.starts_with("GET /a/notes HTTP/1.1\r\n"), "{head}");
    assert_eq!(field(&head, "x-forwarded-host"), Some("real.example"));
}

#[tokio::test]
async fn tus_options_and_http_1_0_and_lines_without_return_pass() {
    let (listener, upload) = listen().await;
    let gateway = gateway(&[("upload", "u", upload)]).await;
    let service = tokio::spawn(async move {
        let mut vias = Vec::new();
        for _ in 0..3 {
            let mut wire = Wire::accept(&listener).await;
            let head = wire.head().await;
            vias.extend(field(&head, "via").map(str::to_owned));
            wire.send("HTTP/1.1 204 No Content\r\nTus-Version: 1.0.0\r\nConnection: close\r\n\r\n")
                .await;
        }
        vias
    });
    for head in [
        request(
            "OPTIONS /api/v1/apps/notes/uploads",
            "Connection: close\r\n",
        ),
        "HEAD /api/v1/apps/notes/uploads/1 HTTP/1.0\r\n\r\n".to_owned(),
        "HEAD /api/v1/apps/notes/uploads/1 HTTP/1.1\nHost: a\nConnection: close\n\n".to_owned(),
    ] {
        let answer = ask(gateway.address, &head).await;
        assert_eq!(
            (answer.status, answer.field("tus-version")),
            (204, Some("1.0.0")),
            "{head}"
        );
    }
    // A service that is spoken to in HTTP/1.1 learns what the client spoke.
    let vias = service.await.unwrap();
    assert_eq!(vias, ["1.1 slipway", "1.0 slipway", "1.1 slipway"]);
}

#[tokio::test]
async fn connections_are_used_again_on_both_sides_until_the_service_closes() {
    let (listener, download) = listen().await;
    let gateway = gateway(&[("download", "d", download)]).await;
    let service = tokio::spawn(async move {
        for _ in 0..2 {
            let mut wire = Wire::accept(&listener).await;
            for _ in 0..5 {
                wire.head().await;
                wire.send(OK).await;
            }
        }
    });
    let mut client = Wire::connect(gateway.address).await;
    for round in 0..10 {
        client.send(request("GET /a/notes", "")).await;
        assert_eq!(client.answer().await.status, 200, "round {round}");
    }
    service.await.unwrap();
}

#[tokio::test]
async fn answers_without_a_body_keep_what_they_say_of_it() {
    let (listener, download) = listen().await;
    let gateway = gateway(&[("download", "d", download)]).await;
    let answers = [
        (
            "HEAD",
            "200 OK",
            "content-length: 1000\r\netag: \"e\"\r\naccept-ranges: bytes\r\n",
        ),
        ("GET", "304 Not Modified", "etag: \"e\"\r\n"),
        (
            "HEAD",
            "206 Partial Content",
            "content-length: 10\r\ncontent-range: bytes 0-9/1000\r\n",
        ),
    ];
    tokio::spawn(async move {
        let mut wire = Wire::accept(&listener).await;
        for (_, status, fields) in answers {
            wire.head().await;
            wire.send(format!("HTTP/1.1 {status}\r\n{fields}\r\n"))
                .await;
        }
    });
    let mut client = Wire::connect(gateway.address).await;
    for (method, status, fields) in answers {
        client
            .send(request(&format!("{method} /d/notes/1.0/x.bin"), ""))
            .await;
        let head = client.head().await;
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{head}"
        );
        for line in fields.lines() {
            assert!(head.contains(line), "{line} in {head}");
        }
    }
}

#[tokio::test]
async fn requests_that_are_sent_at_once_are_answered_in_turn() {
    let (listener, download) = listen().await;
    let gateway = gateway(&[("download", "d", download)]).await;
    tokio::spawn(async move {
        let mut wire = Wire::accept(&listener).await;
        for _ in 0..3 {
            let head = wire.head().await;
            let path = head.split(' ').nth(1).expect("a path").to_owned();
            let length = path.len();
            wire.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{path}"
            ))
            .await;
        }
    });
    let mut client = Wire::connect(gateway.address).await;
    let paths = ["/a/one", "/a/two", "/a/three"];
    let at_once: String = paths
        .iter()
        .map(|path| request(&format!("GET {path}"), ""))
        .collect();
    client.send(at_once).await;
    for path in paths {
        let answer = client.answer().await;
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (200, path.as_bytes())
        );
    }
}

#[tokio::test]
async fn an_instance_that_is_not_there_is_passed_over() {
    let (listener, download) = listen().await;
    let gateway = gateway(&[
        ("download", "gone", nobody().await),
        ("download", "here", download),
    ])
    .await;
    let service = tokio::spawn(async move {
        for _ in 0..4 {
            let mut wire = Wire::accept(&listener).await;
            wire.head().await;
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .await;
        }
    });
    for _ in 0..4 {
        assert_eq!(
            ask(gateway.address, request("GET /a/notes", ""))
                .await
                .status,
            200
        );
    }
    service.await.unwrap();
}

#[tokio::test]
async fn when_nobody_is_there_it_is_said_with_a_time_to_come_back() {
    for instances in [&[][..], &[("upload", "gone", nobody().await)]] {
        let gateway = gateway(instances).await;
        let put = request(
            "PUT /api/v1/apps/notes/packages/x.bin",
            "Content-Length: 5\r\n",
        ) + "hello";
        let answer = ask(gateway.address, put).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "upload_unavailable")
        );
        assert_eq!(answer.field("retry-after"), Some("1"));
        assert_eq!(
            answer.field("connection"),
            Some("close"),
            "the body was not read"
        );
    }
}

#[tokio::test]
async fn a_tus_client_that_asks_for_its_offset_is_told_to_wait() {
    let (listener, starting) = listen().await;
    let service = tokio::spawn(async move {
        let mut wire = Wire::accept(&listener).await;
        wire.head().await;
        wire.send(
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
        )
        .await;
    });
    for upload in [nobody().await, starting] {
        let gateway = gateway(&[("upload", "u", upload)]).await;
        let mut client = Wire::connect(gateway.address).await;
        let question = "HEAD /api/v1/apps/notes/uploads/1";
        client
            .send(request(question, "Tus-Resumable: 1.0.0\r\n"))
            .await;
        let head = client.head().await;
        assert!(
            head.starts_with("HTTP/1.1 423 "),
            "503 makes tus-js-client begin anew: {head}"
        );
        assert_eq!(field(&head, "retry-after"), Some("1"));
    }
    service.await.unwrap();
}

fn misdirected(instance: &str) -> String {
    format!(
        "HTTP/1.1 421 Misdirected Request\r\nX-Slipway-Instance: {instance}\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    )
}

#[tokio::test]
async fn a_service_that_was_restarted_at_its_address_is_asked_again_under_its_new_name() {
    let (listener, upload) = listen().await;
    let gateway = gateway(&[("upload", "old", upload)]).await;
    let service = tokio::spawn(async move {
        let mut wire = Wire::accept(&listener).await;
        assert_eq!(field(&wire.head().await, "x-slipway-instance"), Some("old"));
        wire.send(misdirected("new")).await;
        assert!(wire.rest().await.is_empty(), "nothing of the body");
        let mut wire = Wire::accept(&listener).await;
        assert_eq!(field(&wire.head().await, "x-slipway-instance"), Some("new"));
        wire.send(CONTINUE).await;
        let body = wire.exactly(5).await;
        wire.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .await;
        body
    });
    let put = request(
        "PUT /api/v1/apps/notes/packages/x.bin",
        "Content-Length: 5\r\n",
    ) + "hello";
    assert_eq!(ask(gateway.address, put).await.status, 201);
    assert_eq!(service.await.unwrap(), b"hello");
}

#[tokio::test]
async fn an_address_that_belongs_to_another_service_is_passed_over_and_no_name_is_believed_twice() {
    let other = peer::serve("catalog", axum::Router::new()).await;
    let other = other.parse().expect("an address");
    let (fickle, fickles) = listen().await;
    let gateway = gateway(&[("upload", "a", other), ("upload", "b", fickles)]).await;
    let renaming = tokio::spawn(async move {
        for name in ["x", "y"] {
            let mut wire = Wire::accept(&fickle).await;
            wire.head().await;
            wire.send(misdirected(name)).await;
        }
        fickle
    });
    let answer = ask(
        gateway.address,
        request("GET /api/v1/apps/notes/uploads/1", ""),
    )
    .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "upload_unavailable")
    );
    let fickle = renaming.await.unwrap();
    let third = tokio::time::timeout(std::time::Duration::ZERO, fickle.accept()).await;
    assert!(third.is_err(), "a second new name was believed");
}

/// Somebody who took the port of a service that has ended, and says 200 and 201 to everything.
#[tokio::test]
async fn a_stranger_on_a_freed_port_learns_nothing_and_is_passed_over() {
    let (stranger, strangers) = listen().await;
    let (listener, upload) = listen().await;
    let gateway = gateway(&[("upload", "gone", strangers), ("upload", "here", upload)]).await;
    let (hearing, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let listening = tokio::spawn(async move {
        loop {
            let (mut stream, _) = stranger.accept().await.unwrap();
            let mut piece = vec![0; 64 * 1024];
            let count = stream.read(&mut piece).await.unwrap();
            hearing.send(piece[..count].to_vec()).unwrap();
            let _ = stream
                .write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n")
                .await;
        }
    });
    let service = tokio::spawn(async move {
        for _ in 0..4 {
            let mut wire = Wire::accept(&listener).await;
            wire.head().await;
            wire.send(CONTINUE).await;
            wire.exactly(5).await;
            wire.send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .await;
        }
    });
    let put = request(
        "PUT /api/v1/apps/notes/packages/x.bin",
        "Authorization: Bearer slw_secret\r\nContent-Length: 5\r\n",
    ) + "hello";
    for _ in 0..4 {
        assert_eq!(ask(gateway.address, put.as_str()).await.status, 202);
    }
    service.await.unwrap();
    listening.abort();
    let first = heard.recv().await.expect("the gateway comes here first");
    let mut heard: Vec<_> = std::iter::from_fn(|| heard.try_recv().ok()).collect();
    heard.push(first);
    let heard = heard.concat();
    let heard = String::from_utf8_lossy(&heard);
    assert!(!heard.contains("slw_secret") && !heard.contains("hello"));
}

/// All containers were started anew, and their addresses were dealt out in another order.
#[tokio::test]
async fn a_view_of_the_last_run_is_waited_for_to_change() {
    let (listener, download) = listen().await;
    let (other, before) = listen().await;
    let gateway = gateway(&[("download", "before", before)]).await;
    let asking = request("GET /a/notes", "Connection: close\r\n");
    let asking = tokio::spawn(ask(gateway.address, asking));
    // Whoever has the address now proves nothing.
    drop(other.accept().await.expect("the gateway comes here first"));
    let now = slipway_testkit::record("download", "now", &download.to_string());
    gateway.peers.view.replace(vec![now]);
    let mut wire = Wire::accept(&listener).await;
    assert_eq!(field(&wire.head().await, "x-slipway-instance"), Some("now"));
    wire.send(OK).await;
    assert_eq!(asking.await.unwrap().status, 200);
}
