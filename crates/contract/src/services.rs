//! The table of services: what the platform is made of.
//!
//! Folders and secrets, who has a lease, the gateway's routes and what `slipway up` starts are made from it. The containers
//! and the lists of the checks are held against it by a test of the command.
//!
//! A service that is not in it needs no code here: `slipway init --service NAME` makes its certificate and its folder, and a
//! route in the gateway's settings leads to it. It may take, renew and end its own lease, and call nothing else.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// A row of the table.
#[derive(Debug)]
pub struct Service {
    /// Also its folder in the data folder, the name in its certificate, and `slipway-<name>`.
    pub name: &'static str,
    /// What the world reaches of it, by way of the gateway. None: nobody outside does.
    pub routes: &'static [Route],
    /// Whether it keeps a copy of the catalog's state: a publication is answered when it has that. The registry, which nobody
    /// waits for, keeps one of the tokens.
    pub follows_catalog: bool,
    /// Whether it has a database, and so settings for it.
    pub has_database: bool,
    /// Whether the world speaks to it, in plain HTTP. All others are spoken to by services alone, which prove themselves.
    pub is_public: bool,
}

/// Paths that lead to a service.
#[derive(Debug)]
pub struct Route {
    /// Segments with `/`; `*` stands for one segment, `**` at the end for any number of them, none included.
    pub path: &'static str,
    /// None means all.
    pub methods: &'static [&'static str],
}

const READ: &[&str] = &["GET", "HEAD"];

/// In the order in which they are started, though none waits for another; of their routes the first match wins.
pub const TABLE: [Service; 6] = [
    Service {
        name: "registry",
        routes: &[all("/api/v1/config/**"), all("/api/v1/fleet/**")],
        follows_catalog: false,
        has_database: true,
        is_public: false,
    },
    Service {
        name: "upload",
        routes: &[
            all("/api/v1/apps/*/packages/**"),
            all("/api/v1/apps/*/uploads/**"),
        ],
        follows_catalog: true,
        has_database: true,
        is_public: false,
    },
    Service {
        name: "signing",
        routes: &[],
        follows_catalog: false,
        has_database: true,
        is_public: false,
    },
    Service {
        name: "catalog",
        routes: &[all("/api/v1/**")],
        follows_catalog: false,
        has_database: true,
        is_public: false,
    },
    Service {
        name: "download",
        routes: &[read("/"), read("/a/**"), read("/d/**"), read("/keys/**")],
        follows_catalog: true,
        has_database: true,
        is_public: false,
    },
    Service {
        name: "gateway",
        routes: &[],
        follows_catalog: false,
        has_database: false,
        is_public: true,
    },
];

/// Their names.
pub const NAMES: [&str; TABLE.len()] = {
    let mut names = [""; TABLE.len()];
    let mut row = 0;
    while row < TABLE.len() {
        names[row] = TABLE[row].name;
        row += 1;
    }
    names
};

const fn all(path: &'static str) -> Route {
    Route { path, methods: &[] }
}

const fn read(path: &'static str) -> Route {
    Route {
        path,
        methods: READ,
    }
}

/// The row of a service; `None` of one that is an operator's own.
pub fn find(name: &str) -> Option<&'static Service> {
    TABLE.iter().find(|service| service.name == name)
}

/// A name for the life of the process. Names come out of the table, the settings, and certificates of the platform's own
/// authority, so there are no more than an operator has made.
pub fn named(name: &str) -> &'static str {
    static NAMED: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    if let Some(service) = find(name) {
        return service.name;
    }
    let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = named.get(name) {
        return known;
    }
    let kept: &'static str = name.to_owned().leak();
    named.insert(kept);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once() {
        assert_eq!(find("upload").map(|service| service.name), Some("upload"));
        assert!(find("scanner").is_none());
        assert!(std::ptr::eq(named("scanner"), named("scanner")));
    }
}
