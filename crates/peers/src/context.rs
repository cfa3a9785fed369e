//! What a service is given of the others.

use slipway_contract::fleet::Report;
use slipway_runtime::Process;
use tokio::sync::watch;

use crate::client::Client;
use crate::configuration::Configuration;
use crate::discovery::time::RegistryTime;
use crate::discovery::view::View;
use crate::identity::Identity;

/// Cheap to clone.
#[derive(Clone)]
pub struct Peers {
    pub process: Process,
    /// By what this process proves who it is.
    pub identity: Identity,
    /// Who else is there.
    pub view: View,
    /// What time it is for the registry.
    pub registry_time: RegistryTime,
    /// Calls to the others.
    pub client: Client,
    /// What operators say of all of them.
    pub configuration: Configuration,
    /// What this process last reported of itself, once it has.
    pub report: watch::Sender<Option<Report>>,
}

impl Peers {
    /// Reads the process's certificate and what it last knew of the others.
    pub fn open(process: &Process) -> anyhow::Result<Self> {
        let folder = process.data.service(process.service);
        Self::with_view(process, View::open(folder.join("view.json")))
    }

    /// Reads the process's certificate; `view` is what it knows of the others.
    pub fn with_view(process: &Process, view: View) -> anyhow::Result<Self> {
        let identity = Identity::open(process.service, &process.data)?;
        Ok(Self {
            process: process.clone(),
            client: Client::open(identity.clone(), process.run.clone(), view.clone()),
            identity,
            view,
            registry_time: RegistryTime::default(),
            configuration: Configuration::none(),
            report: watch::Sender::new(None),
        })
    }
}
