//! What a client sees of a file that goes bad while it is sent: over a real socket.

use std::fs::File;

use slipway_contract::FileHash;
use slipway_contract::feed::Change;
use slipway_database::replica::copy::{Position, Replica as _};
use slipway_download::Settings;
use slipway_runtime::http::serve::{Transport, serve};
use slipway_testkit::database::Engine;
use slipway_testkit::peer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::fixture::{app, package, published};

/// More than the buffers of any two sockets hold.
const SIZE: u64 = 64 * 1024 * 1024;

#[tokio::test]
async fn a_file_that_ends_early_breaks_the_connection_off() {
    let test = slipway_testkit::process("download", Engine::Sqlite).await;
    let process = &test.process;
    let mut hash = FileHash::default();
    (0..SIZE / 4096).for_each(|_| hash.update(&[0; 4096]));
    let (digest, list) = (hash.digest(), hash.blocks());
    let path = process.data.blobs().join(digest.blob_path());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path.with_extension("blocks"), list.as_bytes()).unwrap();
    let file = File::create(&path).unwrap();
    file.set_len(SIZE).unwrap();

    let service = slipway_download::build(test.peers.clone(), Settings::default())
        .await
        .expect("a service");
    let mut row = package("notes.bin", digest, "other", "linux", "x86_64");
    row.blocks = Some(list.digest());
    row.file.size = i64::try_from(SIZE).unwrap();
    let changes = [
        Change {
            seq: 1,
            row: app("notes"),
        },
        Change {
            seq: 2,
            row: published("1.0", vec![row]),
        },
    ];
    let position = Position {
        epoch: "e".to_owned(),
        applied: 2,
        ..Position::default()
    };
    service
        .health
        .copy()
        .apply(&changes, &position, "")
        .await
        .expect("changes that apply");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (settings, stop) = (process.settings.http.clone(), process.draining.clone());
    let transport = Transport::Proven(test.peers.identity.proof());
    tokio::spawn(async move { serve(listener, transport, service.http, &settings, stop).await });

    let mut stream = peer::connect("gateway", "download", address).await;
    let request = format!(
        "GET /d/notes/1.0/notes.bin HTTP/1.1\r\nhost: x\r\nx-slipway-instance: {}\r\n\r\n",
        process.instance
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 16];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK\r");
    // The sockets are full by now at most, and the file is not yet read to its end.
    file.set_len(SIZE / 2).unwrap();
    // The end of the connection, or its reset: never as many bytes as were announced.
    let _ = stream.read_to_end(&mut answer).await;
    let head = String::from_utf8_lossy(&answer[..1024]);
    assert!(
        head.contains(&format!("content-length: {SIZE}\r\n")),
        "{head}"
    );
    assert!((answer.len() as u64) < SIZE, "{} bytes", answer.len());
}
