//! Where a lease may point to: the rules, without a network.
//!
//! Whoever could name any address would have every service connect there (server-side request forgery): to the
//! metadata service of a cloud, which is link-local, or to a host of the public net.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// Loopback, RFC 1918, and unique local addresses (RFC 4193): what a fleet lies in.
pub(crate) fn default_networks() -> Vec<IpNet> {
    [
        "127.0.0.0/8",
        "::1/128",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",
    ]
    .map(|network| network.parse().expect("a network"))
    .into()
}

/// Metadata services of clouds that are not link-local: those of EC2 and of Compute Engine over IPv6.
const METADATA: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    #[error("an address is host:port, with nothing else in it")]
    Form,
    #[error(
        "{0} is in none of the networks that instances may be in: add its network to [lease] networks if it is one of the fleet's"
    )]
    Network(IpAddr),
}

/// The host and the port of `text`: letters, digits, dots, hyphens and underscores, or a bracketed IPv6 address. User
/// information, a path or a query is never a part of it.
pub(crate) fn parse(text: &str) -> Result<(String, u16), AddressError> {
    let (host, port) = text.rsplit_once(':').ok_or(AddressError::Form)?;
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port: u16 = port.parse().map_err(|_| AddressError::Form)?;
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let host_is_good = inner.map_or_else(
        || !host.is_empty() && host.len() <= 253 && host.bytes().all(plain),
        |inner| inner.parse::<Ipv6Addr>().is_ok(),
    );
    if !digits || port == 0 || !host_is_good {
        return Err(AddressError::Form);
    }
    Ok((inner.unwrap_or(host).to_owned(), port))
}

/// Whether an instance may be at `address`. IPv4 addresses that are written as IPv6 count as what they are; link-local
/// ones and metadata services are never permitted, whatever the settings say.
pub(crate) fn permit(address: SocketAddr, networks: &[IpNet]) -> Result<SocketAddr, AddressError> {
    let ip = address.ip().to_canonical();
    let never = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => {
            ip.is_unicast_link_local() || ip.is_unspecified() || METADATA.contains(&ip)
        }
    };
    if never || !networks.iter().any(|network| network.contains(&ip)) {
        return Err(AddressError::Network(ip));
    }
    Ok(SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        assert_eq!(parse("upload:8080"), Ok(("upload".to_owned(), 8080)));
        assert_eq!(parse("[fd00::1]:80"), Ok(("fd00::1".to_owned(), 80)));
        for bad in [
            "upload",
            "upload:",
            "upload:0",
            "upload:+80",
            "upload:99999",
            ":80",
            "me@upload:80",
            "upload:80/path",
            "up load:80",
            "upload?x:80",
            "fd00::1:80x",
            "[fd00::1:80",
            "upload#:80",
        ] {
            assert_eq!(parse(bad), Err(AddressError::Form), "{bad}");
        }
    }

    #[test]
    fn only_the_networks_of_the_fleet_are_permitted() {
        let permits = |text: &str| permit(text.parse().unwrap(), &default_networks()).is_ok();
        for good in [
            "127.0.0.1:1",
            "10.1.2.3:1",
            "172.31.0.1:1",
            "192.168.0.9:1",
            "[::1]:1",
            "[fd12::1]:1",
            "[::ffff:10.0.0.1]:1",
        ] {
            assert!(permits(good), "{good}");
        }
        for bad in [
            "169.254.169.254:80",
            "[::ffff:169.254.169.254]:80",
            "[fe80::1]:1",
            "0.0.0.0:1",
            "[::]:1",
            "1.1.1.1:1",
            "172.32.0.1:1",
            "[2001:db8::1]:1",
            "[::ffff:1.1.1.1]:1",
        ] {
            assert!(!permits(bad), "{bad}");
        }
        let all = ["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()];
        for never in [
            "169.254.169.254:80",
            "[fe80::1]:1",
            "[fd00:ec2::254]:80",
            "[fd20:ce::254]:80",
        ] {
            assert!(permit(never.parse().unwrap(), &all).is_err(), "{never}");
        }
    }

    proptest! {
        #[test]
        fn what_is_an_address_has_a_host_and_a_port_alone(text in "\\PC{0,40}|[a-z.]{1,9}:[0-9]{0,6}|\\[[0-9a-f:]{0,12}\\]:[0-9]{1,5}") {
            if let Ok((host, port)) = parse(&text) {
                prop_assert!(port > 0 && !host.is_empty());
                prop_assert!(!host.contains(['@', '/', '?', '#', ' ', '[', ']']));
                let again = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
                prop_assert_eq!(parse(&again), Ok((host, port)));
            }
        }

        #[test]
        fn an_address_of_no_network_is_never_permitted(ip: IpAddr, port: u16) {
            let address = SocketAddr::new(ip, port);
            prop_assert!(permit(address, &[]).is_err());
            if let Ok(permitted) = permit(address, &default_networks()) {
                let IpAddr::V4(ip) = permitted.ip() else { return Ok(()) };
                prop_assert!(ip.is_private() || ip.is_loopback());
            }
        }

        #[test]
        fn link_local_addresses_are_never_permitted(low: u16) {
            let all = ["0.0.0.0/0".parse().expect("all"), "::/0".parse().expect("all")];
            let [high, low] = low.to_be_bytes();
            for ip in [IpAddr::from([169, 254, high, low]), IpAddr::from([0xfe80, 0, 0, 0, 0, 0, u16::from(high), u16::from(low)])] {
                prop_assert!(permit(SocketAddr::new(ip, 80), &all).is_err());
            }
        }
    }
}
