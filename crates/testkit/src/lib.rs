//! What tests of services need: a process without a network, fresh databases of both engines, calls without a socket,
//! real services on a socket, and stand-ins where the fault of a neighbour is the point.

pub mod call;
pub mod contracts;
pub mod database;
mod described;
pub mod earlier;
pub mod fault;
pub mod minisign;
pub mod peer;
pub mod start;

use slipway_contract::record::{Record, State};
use slipway_peers::Peers;
use slipway_runtime::Process;
use slipway_runtime::data::DataDir;
use slipway_runtime::settings::{Common, Database};
use tempfile::TempDir;

/// A ready instance, as a registry knows it.
pub fn record(service: &str, instance: &str, address: &str) -> Record {
    Record {
        service: service.to_owned(),
        instance: instance.to_owned(),
        addr: address.to_owned(),
        state: State::Ready,
        version: "0".to_owned(),
        started_at: 0,
        name: String::new(),
    }
}

/// A process of `service` in a folder of its own; the folder goes when this is dropped.
pub struct TestProcess {
    pub process: Process,
    /// It knows nobody, until it is told.
    pub peers: Peers,
    pub folder: TempDir,
}

/// Makes a process with all secrets and a fresh database on `engine`. It registers nowhere.
pub async fn process(service: &'static str, engine: database::Engine) -> TestProcess {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = DataDir::new(folder.path());
    peer::join(&data);
    slipway_init::prepare(&data).expect("a data folder");
    let settings = Common {
        database: Database {
            url: engine.fresh(service).await,
            ..Database::default()
        },
        ..Common::default()
    };
    let process = Process::open(service, data, settings).expect("a process");
    TestProcess {
        peers: Peers::open(&process).expect("peers"),
        process,
        folder,
    }
}
