//! What the gateway does not let through, and what it says then.

use crate::harness::{Wire, ask, gateway, listen, request};

const PUT: &str = "PUT /api/v1/apps/notes/packages/notes.apk";

#[tokio::test]
async fn framing_with_two_readings_is_refused_with_a_problem_and_a_closed_connection() {
    let (listener, upload) = listen().await;
    let gateway = gateway(&[("upload", "u", upload)]).await;
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
    ] {
        let mut client = Wire::connect(gateway.address).await;
        client.send(request(PUT, fields) + "hello").await;
        let answer = client.answer().await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "framing_refused".to_owned()),
            "{fields}"
        );
        assert_eq!(
            answer.field("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(
            answer.json()["request_id"].as_str(),
            answer.field("x-request-id")
        );
        assert_eq!(answer.field("connection"), Some("close"), "{fields}");
        assert!(
            client.rest().await.is_empty(),
            "{fields}: nothing after it is a request"
        );
    }
    nobody_came(listener).await;
}

#[tokio::test]
async fn what_no_http_reader_accepts_is_400() {
    let (listener, upload) = listen().await;
    let gateway = gateway(&[("upload", "u", upload)]).await;
    for fields in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 1, 1\r\n",
        "Content-Length: +1\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: \r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "X-Folded: a\r\n b\r\n",
        "X-Nul: a\0b\r\n",
        "X-Return: a\rb\r\n",
    ] {
        let answer = ask(gateway.address, request(PUT, fields) + "hello").await;
        assert_eq!(answer.status, 400, "{fields:?}");
    }
    let old = format!("{PUT} HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_eq!(
        ask(gateway.address, old).await.status,
        400,
        "chunks in HTTP/1.0"
    );
    nobody_came(listener).await;
}

/// What is sent before the version, the hosts, and the refusal.
const REFUSED: [(&str, &[&str], u16, &str); 16] = [
    ("GET /a/notes", &[], 400, "host_refused"),
    ("GET /a/notes", &["a", "a"], 400, "host_refused"),
    ("GET /a/notes", &["x/y@z"], 400, "host_refused"),
    ("TRACE /a/notes", &["a"], 405, "method_not_allowed"),
    ("CONNECT a:80", &["a:80"], 405, "method_not_allowed"),
    ("DELETE /a/notes", &["a"], 405, "method_not_allowed"),
    ("OPTIONS *", &["a"], 400, "path_refused"),
    ("GET /a/../b", &["a"], 400, "path_refused"),
    ("GET /d/%2e%2e/c%2fd", &["a"], 400, "path_refused"),
    ("GET //a/notes", &["a"], 400, "path_refused"),
    ("GET /a/%00", &["a"], 400, "path_refused"),
    ("GET http://a/d/../x", &["a"], 400, "path_refused"),
    ("GET /internal/changes", &["a"], 404, "not_found"),
    ("GET /metrics", &["a"], 404, "not_found"),
    ("GET /%6detrics", &["a"], 404, "not_found"),
    ("GET /nothing", &["a"], 404, "not_found"),
];

#[tokio::test]
async fn hosts_methods_and_paths_are_refused_by_name() {
    let (listener, download) = listen().await;
    let gateway = gateway(&[("download", "d", download)]).await;
    for (line, hosts, status, code) in REFUSED {
        let mut head = format!("{line} HTTP/1.1\r\n");
        for host in hosts {
            head.extend(["Host: ", host, "\r\n"]);
        }
        let answer = ask(gateway.address, head.clone() + "\r\n").await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{head}"
        );
        assert_eq!(
            answer.json()["request_id"].as_str(),
            answer.field("x-request-id"),
            "{head}"
        );
        assert_eq!(status == 405, answer.field("allow").is_some(), "{head}");
    }
    nobody_came(listener).await;
}

#[tokio::test]
async fn a_backslash_is_refused_by_whoever_reads_it_first() {
    let gateway = gateway(&[]).await;
    assert_eq!(
        ask(gateway.address, request("GET /a\\b", "")).await.status,
        400
    );
    assert_eq!(
        ask(gateway.address, request("GET /d/a%5cb", ""))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_head_over_the_limit_is_431() {
    let gateway = gateway(&[]).await;
    let many = (0..101).fold(String::new(), |many, number| {
        many + &format!("X-{number}: 1\r\n")
    });
    assert_eq!(
        ask(gateway.address, request("GET /a/notes", &many))
            .await
            .status,
        431
    );
    let long = format!("X-Padding: {}\r\n", "x".repeat(100 * 1024));
    assert_eq!(
        ask(gateway.address, request("GET /a/notes", &long))
            .await
            .status,
        431
    );
}

#[tokio::test]
async fn a_browser_gets_a_page_and_a_program_gets_json() {
    let gateway = gateway(&[]).await;
    let browser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";
    let page = ask(gateway.address, request("GET /a/notes", browser)).await;
    assert_eq!(page.status, 503);
    assert!(
        page.field("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
    );
    assert!(
        String::from_utf8_lossy(&page.body).contains(page.field("x-request-id").expect("an id"))
    );
    for (line, status, words) in [
        ("GET /nothing", 404, "找不到"),
        ("GET /keys/notes/minisign.pub", 503, "服务暂时不可用"),
        ("POST /a/notes", 405, "请求方法"),
        ("GET /a/%2e%2e", 400, "歧义"),
    ] {
        let chinese = format!("{browser}Accept-Language: zh-CN,en;q=0.5\r\n");
        let page = ask(gateway.address, request(line, &chinese)).await;
        assert_eq!(page.status, status, "{line}");
        let text = String::from_utf8_lossy(&page.body);
        assert!(
            text.contains("<html lang=\"zh-CN\">") && text.contains(words),
            "{text}"
        );
        assert!(
            page.field("content-security-policy")
                .is_some_and(|policy| policy.starts_with("default-src 'none'")),
            "{line}"
        );
        assert_eq!(page.field("vary"), Some("accept, accept-language"));
    }
    let api = ask(gateway.address, request("GET /api/v1/apps", browser)).await;
    assert_eq!(
        (api.status, api.code().as_str()),
        (503, "catalog_unavailable")
    );
    assert_eq!(api.field("retry-after"), Some("1"));
}

#[tokio::test]
async fn health_is_public_and_metrics_are_for_operators() {
    let (_listener, address) = listen().await;
    let gateway = gateway(&[("upload", "u", address), ("catalog", "c", address)]).await;
    assert_eq!(
        ask(gateway.address, request("GET /healthz", ""))
            .await
            .status,
        200
    );
    let unready = ask(gateway.address, request("GET /readyz", "")).await;
    assert_eq!(
        (unready.status, unready.code().as_str()),
        (503, "not_ready"),
        "no download was seen yet"
    );
    let detail = unready.json()["detail"].clone();
    let detail = detail.as_str().expect("words");
    assert!(
        !detail.contains("download"),
        "the cause is for the log: {detail}"
    );
    let operators =
        slipway_runtime::http::operators::router(&gateway.process, gateway.health.clone());
    let metrics = http::Request::get("/metrics").body(axum::body::Body::empty());
    let (status, text) =
        slipway_testkit::call::call_for_bytes(&operators, metrics.expect("a request")).await;
    let text = String::from_utf8_lossy(&text).into_owned();
    assert_eq!(status, 200);
    assert!(
        text.contains(
            "slipway_http_requests_total{method=\"GET\",route=\"/readyz\",status=\"503\"} 1"
        ),
        "{text}"
    );
}

/// Nothing that was refused has reached a service.
async fn nobody_came(listener: tokio::net::TcpListener) {
    let came = tokio::time::timeout(std::time::Duration::ZERO, listener.accept()).await;
    assert!(came.is_err(), "a refused request reached the service");
}
