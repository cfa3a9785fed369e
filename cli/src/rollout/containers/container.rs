//! A container as `docker inspect` shows it.

use std::net::IpAddr;

use clap::ValueEnum as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use slipway_contract::Digest;

use crate::run::Service;

/// As the Compose file says for each service.
const ADMIN_PORT: u16 = 9090;
const DOOR: &str = "door";

#[derive(Clone, Debug)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) service: Service,
    /// Of its own among those of the service; later ones have higher ones.
    pub(super) number: usize,
    pub(super) image: String,
    pub(super) image_id: String,
    /// What stands for both.
    pub(super) program: Digest,
    /// None while no process of it runs.
    pub(super) pid: Option<u32>,
    /// Whether it runs, or will again by itself.
    pub(super) is_kept: bool,
    /// Whether it was made and never started.
    pub(super) is_made: bool,
    /// How often it ended without being told to.
    pub(super) restarts: usize,
    pub(super) address: Option<IpAddr>,
    pub(super) admin_port: u16,
    /// Another one that holds the listener of this gateway (deploy/compose.scale.yml).
    pub(super) door: Option<Door>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Door {
    pub(super) pid: u32,
    pub(super) address: IpAddr,
}

impl Container {
    /// None where it is of no service of ours.
    pub(super) fn read(inspected: &Value, door: Option<Door>) -> Option<Self> {
        let config = &inspected["Config"];
        let service = Service::from_str(service_of(inspected)?, false).ok()?;
        let number = config["Labels"]["com.docker.compose.container-number"].as_str()?;
        let image = config["Image"].as_str()?.to_owned();
        let image_id = inspected["Image"].as_str()?.to_owned();
        let is = |state: &str| inspected["State"][state].as_bool().unwrap_or(false);
        Some(Self {
            id: inspected["Id"].as_str()?.to_owned(),
            service,
            number: number.parse().ok()?,
            program: program(&image, &image_id),
            image,
            image_id,
            pid: pid_of(inspected),
            is_kept: is("Running") || is("Restarting"),
            is_made: inspected["State"]["Status"] == "created",
            restarts: usize::try_from(inspected["RestartCount"].as_u64()?).ok()?,
            address: address_of(inspected),
            admin_port: admin_port(service, &config["Env"]),
            door: door.filter(|_| takes_from_door(&config["Env"])),
        })
    }
}

impl Door {
    pub(super) fn read(inspected: &Value) -> Option<Self> {
        let is_door = service_of(inspected)? == DOOR;
        Some(Self {
            pid: pid_of(inspected).filter(|_| is_door)?,
            address: address_of(inspected)?,
        })
    }
}

/// An image by its name and what it is: Compose makes a container anew when one of both is another.
pub(super) fn program(image: &str, id: &str) -> Digest {
    Digest::from_bytes(Sha256::digest(format!("{image}\0{id}")).into())
}

fn service_of(inspected: &Value) -> Option<&str> {
    inspected["Config"]["Labels"]["com.docker.compose.service"].as_str()
}

/// None while no process of it runs.
fn pid_of(inspected: &Value) -> Option<u32> {
    let state = &inspected["State"];
    let runs = state["Running"] == true && state["Restarting"] != true;
    let pid = u32::try_from(state["Pid"].as_u64()?).ok()?;
    (runs && pid != 0).then_some(pid)
}

/// In any of its networks: this machine is in all of them.
fn address_of(inspected: &Value) -> Option<IpAddr> {
    let networks = inspected["NetworkSettings"]["Networks"].as_object()?;
    let mut addresses = networks
        .values()
        .filter_map(|network| network["IPAddress"].as_str()?.parse().ok());
    addresses.next()
}

fn variables(environment: &Value) -> impl Iterator<Item = (&str, &str)> {
    let variables = environment.as_array().into_iter().flatten();
    variables.filter_map(|variable| variable.as_str()?.split_once('='))
}

fn admin_port(service: Service, environment: &Value) -> u16 {
    let name = format!("SLIPWAY_{}__ADMIN__LISTEN", service.name().to_uppercase());
    let mut said = variables(environment).filter(|(variable, _)| *variable == name);
    let port = said.find_map(|(_, address)| address.rsplit_once(':')?.1.parse().ok());
    port.unwrap_or(ADMIN_PORT)
}

fn takes_from_door(environment: &Value) -> bool {
    variables(environment).any(|(variable, _)| variable == "SLIPWAY_GATEWAY__HTTP__DOOR")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inspected(service: &str, environment: &[&str], address: &str) -> Value {
        json!({
            "Id": "one",
            "Image": "sha256:00",
            "RestartCount": 2,
            "State": {"Status": "running", "Running": true, "Restarting": false, "Pid": 77},
            "Config": {
                "Image": format!("slipway-{service}:0.6.0"),
                "Env": environment,
                "Labels": {
                    "com.docker.compose.service": service,
                    "com.docker.compose.container-number": "3",
                },
            },
            "NetworkSettings": {"Networks": {"edge": {"IPAddress": ""}, "fleet": {"IPAddress": address}}},
        })
    }

    #[test]
    fn what_docker_shows_is_read_and_others_are_not_ours() {
        let door = Door::read(&inspected("door", &[], "10.0.0.9")).expect("a door");
        let environment = [
            "SLIPWAY_GATEWAY__ADMIN__LISTEN=0.0.0.0:9099",
            "SLIPWAY_GATEWAY__HTTP__DOOR=/run/door/listener",
        ];
        let gateway = inspected("gateway", &environment, "10.0.0.2");
        let gateway = Container::read(&gateway, Some(door)).expect("a gateway");
        assert_eq!(
            (gateway.number, gateway.pid, gateway.restarts),
            (3, Some(77), 2)
        );
        assert_eq!(gateway.address, "10.0.0.2".parse().ok());
        assert_eq!((gateway.admin_port, gateway.door.is_some()), (9099, true));
        let plain = Container::read(&inspected("gateway", &[], "10.0.0.2"), Some(door));
        assert!(plain.is_some_and(|one| one.door.is_none() && one.admin_port == ADMIN_PORT));
        assert!(Door::read(&inspected("gateway", &[], "10.0.0.2")).is_none());
        assert!(Container::read(&inspected("init", &[], "10.0.0.3"), None).is_none());
        let mut restarting = inspected("upload", &[], "10.0.0.4");
        restarting["State"]["Restarting"] = true.into();
        let restarting = Container::read(&restarting, None).expect("an upload");
        assert_eq!((restarting.pid, restarting.is_kept), (None, true));
        assert_ne!(program("one", "sha256:00"), program("two", "sha256:00"));
    }
}
