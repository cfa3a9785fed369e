//! Who the client is. Anybody can write any address into a field, so the address is that of the connection, and proxies
//! that the operator names are believed about the hop before them, one after another.

use std::net::{IpAddr, SocketAddr};

use anyhow::Context as _;
use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

/// A network as `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct Network(#[schemars(with = "String")] IpNet);

impl TryFrom<String> for Network {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Self> {
        let text = text.trim();
        let address = text.parse::<IpAddr>().map(IpNet::from);
        let network = address.or_else(|_| text.parse()).ok();
        network
            .map(Self)
            .with_context(|| format!("{text:?} is no network: write it as 10.0.0.0/8 or 10.0.0.1"))
    }
}

/// The field in which trusted proxies say whom they serve. A proxy writes one of the two and passes the other on as the
/// client sent it, so the two are never put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyField {
    /// `X-Forwarded-For`; where there is none, `Forwarded`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239) alone.
    Forwarded,
}

/// The last hop that no trusted proxy is. Fields are read from the right, since what stands on the left of the first
/// address that is not trusted, the client may have written itself (address spoofing).
pub(crate) fn address(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted: &[Network],
    field: ProxyField,
) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.0.contains(&address));
    let mut client = peer.to_canonical();
    let mut hops = hops(headers, field);
    // Nothing of what a stranger wrote is read.
    while is_trusted(client) {
        match hops.next() {
            Some(Some(hop)) => client = hop,
            // The proxy did not say whom it served.
            _ => break,
        }
    }
    client
}

/// The hops before the connection's other end, the nearest first; `None` is one that is not an address.
fn hops(headers: &HeaderMap, field: ProxyField) -> impl Iterator<Item = Option<IpAddr>> {
    let usual = field == ProxyField::XForwardedFor && headers.contains_key("x-forwarded-for");
    let (name, read): (_, fn(&str) -> Option<IpAddr>) = if usual {
        ("x-forwarded-for", node)
    } else {
        ("forwarded", forwarded_for)
    };
    let values = headers.get_all(name).iter().rev();
    values
        // What is no text is no address, and ends the chain as one.
        .map(|value| HeaderValue::to_str(value).unwrap_or(""))
        // No address has a comma, so a quote that a client has left open swallows nothing that a proxy has added.
        .flat_map(|value| value.rsplit(','))
        .map(move |hop| read(hop.trim()))
}

/// The `for` of an element of `Forwarded` (RFC 7239, 4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    node(value.trim().trim_matches('"'))
}

/// An address, perhaps with a port, and in brackets where RFC 7239 wants it so.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse();
    let with_port = || text.parse().map(|socket: SocketAddr| socket.ip());
    address
        .or_else(|_| with_port())
        .ok()
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn networks(texts: &[&str]) -> Vec<Network> {
        let network = |text: &&str| Network::try_from((*text).to_owned()).expect(text);
        texts.iter().map(network).collect()
    }

    fn client_of(field: ProxyField, peer: &str, fields: &[(&'static str, &'static str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let trusted = networks(&["10.0.0.0/8", "2001:db8::/32"]);
        address(peer.parse().unwrap(), &headers, &trusted, field).to_string()
    }

    #[test]
    fn the_last_hop_that_is_not_trusted_is_the_client() {
        for (fields, client) in [
            (&[][..], PROXY),
            (&[("x-forwarded-for", "203.0.113.7")], "203.0.113.7"),
            (&[("x-forwarded-for", "203.0.113.7:4711")], "203.0.113.7"),
            (&[("x-forwarded-for", "::ffff:203.0.113.7")], "203.0.113.7"),
            (&[("x-forwarded-for", "[2001:db9::1]:80")], "2001:db9::1"),
            // A client's own words stand on the left.
            (
                &[("x-forwarded-for", "6.6.6.6, 203.0.113.7")],
                "203.0.113.7",
            ),
            (
                &[("x-forwarded-for", "6.6.6.6,203.0.113.7, 10.0.0.2")],
                "203.0.113.7",
            ),
            (
                &[
                    ("x-forwarded-for", "6.6.6.6"),
                    ("x-forwarded-for", "203.0.113.7"),
                ],
                "203.0.113.7",
            ),
            (&[("x-forwarded-for", "10.0.0.9, 10.0.0.2")], "10.0.0.9"),
            (&[("x-forwarded-for", "6.6.6.6, unknown")], PROXY),
            (
                &[("x-forwarded-for", "6.6.6.6, unknown, 10.0.0.2")],
                "10.0.0.2",
            ),
            (&[("x-forwarded-for", "6.6.6.6,")], PROXY),
            (&[("x-forwarded-for", "")], PROXY),
            (&[("x-real-ip", "6.6.6.6"), ("client-ip", "6.6.6.6")], PROXY),
        ] {
            assert_eq!(
                client_of(ProxyField::XForwardedFor, PROXY, fields),
                client,
                "{fields:?}"
            );
        }
    }

    #[test]
    fn forwarded_is_read_where_no_other_field_is_or_it_alone() {
        for (fields, usual, alone) in [
            (
                &[("forwarded", "for=203.0.113.7")][..],
                "203.0.113.7",
                "203.0.113.7",
            ),
            (
                &[(
                    "forwarded",
                    "for=6.6.6.6, For=\"[2001:db9::7]:80\";proto=https;by=_x",
                )],
                "2001:db9::7",
                "2001:db9::7",
            ),
            (
                &[("forwarded", "for=\"6.6.6.6, for=203.0.113.7")],
                "203.0.113.7",
                "203.0.113.7",
            ),
            (&[("forwarded", "for=6.6.6.6, for=_hidden")], PROXY, PROXY),
            (&[("forwarded", "for=6.6.6.6, proto=https")], PROXY, PROXY),
            (
                &[
                    ("forwarded", "for=6.6.6.6"),
                    ("x-forwarded-for", "203.0.113.7"),
                ],
                "203.0.113.7",
                "6.6.6.6",
            ),
            (&[("x-forwarded-for", "203.0.113.7")], "203.0.113.7", PROXY),
        ] {
            assert_eq!(
                client_of(ProxyField::XForwardedFor, PROXY, fields),
                usual,
                "{fields:?}"
            );
            assert_eq!(
                client_of(ProxyField::Forwarded, PROXY, fields),
                alone,
                "{fields:?}"
            );
        }
    }

    #[test]
    fn whoever_is_not_trusted_is_the_client_whatever_it_says() {
        let claims = [("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=6.6.6.6")];
        for peer in ["203.0.113.9", "11.0.0.1", "2001:db9::1"] {
            assert_eq!(client_of(ProxyField::XForwardedFor, peer, &claims), peer);
        }
        // A socket for both kinds of addresses shows the one in the other.
        let mapped = client_of(ProxyField::XForwardedFor, "::ffff:10.0.0.1", &claims);
        assert_eq!(mapped, "6.6.6.6");
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "*",
            "10.0.0.0/33",
            "10.0.0",
            "localhost",
            "10.0.0.0/8;",
            "all",
        ] {
            assert!(Network::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert_eq!(
            networks(&["10.0.0.1", " ::1 "]),
            networks(&["10.0.0.1/32", "::1/128"])
        );
    }
}
