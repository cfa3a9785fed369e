//! What would keep an instance from ever starting, found before one is started: a child that fails is started again, for
//! what passes, and a taken port or a wrong setting does not pass.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use slipway_service::process::Service;
use slipway_service::settings;

use crate::exit::Stop;

/// Refuses an address that the gateway cannot listen on. It is let go again: the gateway takes it itself.
pub(super) fn check_address(address: SocketAddr) -> Result<(), Stop> {
    let Err(error) = TcpListener::bind(address) else {
        return Ok(());
    };
    let port = address.port();
    let why = match error.kind() {
        ErrorKind::AddrInUse => {
            "another program listens there: end that one, or choose another port with --listen"
                .to_owned()
        }
        ErrorKind::AddrNotAvailable => {
            "this machine has no such address: choose another with --listen (0.0.0.0 is all that it has)"
                .to_owned()
        }
        ErrorKind::PermissionDenied => format!(
            "who runs this may not take the port {port}: choose one from 1024 on with --listen, or put a proxy in front"
        ),
        _ => format!("{error}: choose another with --listen"),
    };
    Err(Stop::usage(format!("cannot listen on {address}: {why}")))
}

/// Refuses settings that a service would refuse. Under `up` they come from the environment alone.
pub(super) fn check_settings() -> Result<(), Stop> {
    check::<slipway_registry::Registry>()?;
    check::<slipway_signing::Signing>()?;
    check::<slipway_catalog::Catalog>()?;
    check::<slipway_upload::Upload>()?;
    check::<slipway_download::Download>()?;
    check::<slipway_gateway::Gateway>()
}

fn check<S: Service>() -> Result<(), Stop> {
    let loaded = settings::load::<S::Settings>(S::NAME, None);
    loaded.map_err(|error| Stop::usage(format!("{error:#}")))?;
    Ok(())
}
