//! Where others reach a process. Mostly that is known from its start; of one that listens at every address of its machine,
//! only when it is known by which of them it reaches the registry.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

use tokio::sync::watch;

/// The word of the settings for an address that is looked for.
const AUTO: &str = "auto";

/// The address of a process; cheap to clone.
#[derive(Clone, Debug)]
pub struct Address {
    /// Where it listens.
    listen: SocketAddr,
    found: watch::Sender<Option<Arc<str>>>,
}

impl Address {
    /// What the settings say (`[http] advertise`), else where it listens. `{hostname}` is the machine's own name.
    pub fn new(listen: SocketAddr, advertise: Option<&str>) -> Self {
        let said = match advertise {
            None | Some(AUTO) if listen.ip().is_unspecified() => None,
            None | Some(AUTO) => Some(listen.to_string().into()),
            Some(said) => Some(said.replace("{hostname}", &hostname()).into()),
        };
        Self {
            listen,
            found: watch::Sender::new(said),
        }
    }

    /// `host:port` for others; `None` until it is known.
    pub fn known(&self) -> Option<Arc<str>> {
        self.found.borrow().clone()
    }

    /// `host:port` for others, and until it is known where it listens.
    pub fn shown(&self) -> String {
        self.known()
            .map_or_else(|| self.listen.to_string(), |known| known.to_string())
    }

    /// The same for another port of the process, which listens at `other`: at every address of the machine, it is reached
    /// where this one is.
    pub fn beside(&self, other: SocketAddr) -> Option<String> {
        if !other.ip().is_unspecified() {
            return Some(other.to_string());
        }
        let known = self.known()?;
        let (host, _) = known.rsplit_once(':')?;
        Some(format!("{host}:{}", other.port()))
    }

    /// Takes the address of the interface by which `registry` is reached, unless an address is known. Nothing is sent for it.
    pub fn find(&self, registry: SocketAddr) -> std::io::Result<()> {
        if self.known().is_none() {
            let found = SocketAddr::new(interface_to(registry)?, self.listen.port());
            self.found.send_replace(Some(found.to_string().into()));
        }
        Ok(())
    }

    /// Signals when it is found.
    pub fn subscribe(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.found.subscribe()
    }
}

/// The name of the machine, or of the container.
pub fn hostname() -> String {
    let system = rustix::system::uname();
    system.nodename().to_string_lossy().into_owned()
}

/// Our own address on the way to `other`: what the kernel would send from.
fn interface_to(other: SocketAddr) -> std::io::Result<IpAddr> {
    let any: IpAddr = match other {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(other)?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_is_where_it_listens_or_what_is_said() {
        let known = |listen, said| Address::new(at(listen), said).known();
        assert_eq!(known("127.0.0.1:1", None).as_deref(), Some("127.0.0.1:1"));
        assert_eq!(
            known("10.0.0.1:1", Some("auto")).as_deref(),
            Some("10.0.0.1:1")
        );
        assert_eq!(
            known("0.0.0.0:1", Some("upload:2")).as_deref(),
            Some("upload:2")
        );
        let named = format!("{}:8080", hostname());
        let said = known("0.0.0.0:1", Some("{hostname}:8080"));
        assert_eq!(said.as_deref(), Some(named.as_str()));
        assert_eq!(known("0.0.0.0:1", None), None);
        assert_eq!(known("[::]:1", Some("auto")), None);
    }

    #[test]
    fn an_address_is_found_once_on_the_way_to_the_registry() {
        let address = Address::new(at("0.0.0.0:7"), Some("auto"));
        assert_eq!(address.shown(), "0.0.0.0:7");
        assert_eq!(address.beside(at("0.0.0.0:9")), None);
        address.find(at("127.0.0.1:1")).expect("a loopback");
        assert_eq!(address.known().as_deref(), Some("127.0.0.1:7"));
        assert_eq!(
            address.beside(at("0.0.0.0:9")).as_deref(),
            Some("127.0.0.1:9")
        );
        assert_eq!(
            address.beside(at("10.0.0.1:9")).as_deref(),
            Some("10.0.0.1:9")
        );
        // An instance keeps its address for its life, whichever registry answers later.
        address.find(at("127.0.0.2:1")).expect("a loopback");
        assert_eq!(address.known().as_deref(), Some("127.0.0.1:7"));
    }
}
