//! Stand-ins for other services, on real sockets: they prove themselves as the real ones do, because all processes of a
//! test binary are of one platform.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::OnceLock;

use axum::Router;
use hyper_util::service::TowerToHyperService;
use slipway_peers::identity::Identity;
use slipway_runtime::data::DataDir;
use slipway_runtime::http::serve::{Transport, serve as accept};
use slipway_runtime::settings::Http;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

/// A service of an operator's own, which every platform of a test has a certificate for.
pub const OWN: &str = "scanner";

/// The folder with the authority of all platforms of this test binary.
fn platform() -> &'static DataDir {
    static PLATFORM: OnceLock<(TempDir, DataDir)> = OnceLock::new();
    let make = || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::new(folder.path());
        fs::create_dir_all(data.secrets(OWN)).expect("a folder");
        slipway_init::prepare(&data).expect("a data folder");
        (folder, data)
    };
    &PLATFORM.get_or_init(make).1
}

/// Gives `data` the certificates of the platform.
pub(crate) fn join(data: &DataDir) {
    copy(
        &platform().root().join("secrets"),
        &data.root().join("secrets"),
    );
    fs::remove_file(data.sealing_key()).expect("each process has a sealing key of its own");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// The identity of `service` in the platform of all test processes.
pub fn identity(service: &str) -> Identity {
    Identity::open(service, platform()).expect("an identity")
}

/// A connection to `service` at `address`, as `caller`, proven by both.
pub async fn connect(
    caller: &str,
    service: &'static str,
    address: SocketAddr,
) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let connector = TlsConnector::from(identity(caller).loaded().client.clone());
    let name = service.try_into().expect("a name");
    connector.connect(name, stream).await.expect("a proof")
}

/// Serves `router` as `service` on a free port and returns the address. It ends with the test's runtime.
pub async fn serve(service: &str, router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let transport = Transport::Proven(identity(service).proof());
    tokio::spawn(async move {
        let router = TowerToHyperService::new(router);
        let settings = Http::default();
        accept(
            listener,
            transport,
            router,
            &settings,
            CancellationToken::new(),
        )
        .await;
    });
    address
}
