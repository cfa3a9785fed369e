//! What would keep an instance from ever starting, found before one is started: a child that fails is started again, for
//! what passes, and a taken port or a wrong setting does not pass.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use slipway_handover::BACKLOG;
use slipway_runtime::data::DataDir;
use slipway_runtime::settings::Settings;
use slipway_runtime::settings::sources::look;

use crate::exit::Stop;

/// Takes the public address, for as long as `up` runs: gateways come and go behind it. Connections wait from now on.
pub(super) fn listen(address: SocketAddr) -> Result<TcpListener, Stop> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        // More wait than in the time of a hiccup, as no gateway may be there yet.
        rustix::net::listen(&listener, BACKLOG)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    let error = match bound {
        Ok(listener) => return Ok(listener),
        Err(error) => error,
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
pub(super) fn check_settings(data: &DataDir) -> Result<(), Stop> {
    check_names(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))?;
    check::<slipway_registry::Settings>("registry", data)?;
    check::<slipway_signing::Settings>("signing", data)?;
    check::<slipway_catalog::Settings>("catalog", data)?;
    check::<slipway_upload::Settings>("upload", data)?;
    check::<slipway_download::Settings>("download", data)?;
    check::<slipway_gateway::Settings>("gateway", data)
}

/// Refuses a setting of a service that there is not: a slip of the pen would leave the default as it is, unnoticed.
fn check_names(variables: impl IntoIterator<Item = String>) -> Result<(), Stop> {
    let is_known = |service: &str| {
        let mut all = crate::run::Service::ALL.into_iter();
        all.any(|known| known.name().eq_ignore_ascii_case(service))
    };
    for variable in variables {
        let setting = variable.strip_prefix("SLIPWAY_");
        let service = setting.and_then(|setting| Some(setting.split_once("__")?.0));
        if service.is_some_and(|service| !is_known(service)) {
            let services = crate::run::Service::ALL.map(|service| service.name().to_uppercase());
            return Err(Stop::usage(format!(
                "{variable} is a setting of no service: SLIPWAY_ is followed by one of {}",
                services.join(", ")
            )));
        }
    }
    Ok(())
}

fn check<S: Settings>(service: &'static str, data: &DataDir) -> Result<(), Stop> {
    let found = look::<S>(service, data);
    found.map_err(|error| Stop::usage(format!("{error:#}")))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_of_a_service_that_there_is_not_is_refused() {
        let check = |names: &[&str]| check_names(names.iter().map(|name| (*name).to_owned()));
        check(&["PATH", "SLIPWAY_TOKEN", "SLIPWAY_UPLOAD__LOG__FORMAT"]).expect("settings");
        let refused = check(&["SLIPWAY_CATLOG__HTTP__PUBLIC_URL"]).expect_err("a slip");
        let words = refused.to_string();
        assert!(
            words.contains("CATLOG") && words.contains("CATALOG"),
            "{words}"
        );
    }
}
