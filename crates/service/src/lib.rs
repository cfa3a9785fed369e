//! The paths of before, until everybody uses those of the crates behind them.

pub mod api {
    pub use slipway_contract::internal::*;
}
pub mod changes {
    pub use slipway_contract::feed::*;
    pub use slipway_contract::losses;
    pub mod age {
        pub use slipway_database::replica::age::*;
    }
    pub mod follow {
        pub use slipway_database::replica::follow::*;
    }
    pub mod held {
        pub use slipway_contract::held::*;
        pub use slipway_database::replica::held::*;
    }
    pub mod replica {
        pub use slipway_database::replica::copy::*;
    }
}
pub use slipway_runtime::{clock, metrics, settings};
pub mod data {
    pub use slipway_contract::services::NAMES as SERVICES;
    pub use slipway_runtime::data::*;
}
pub mod database {
    pub use slipway_database::{Database, columns, queue, signal, version_keys};
    pub mod fault {
        pub use slipway_database::fault::*;
        pub use slipway_runtime::fault::Fault;
    }
}
pub mod discovery {
    pub use slipway_contract::record;
    pub use slipway_peers::discovery::{time, view};
}
pub mod http {
    pub use slipway_runtime::http::*;
    pub mod edge {
        pub use slipway_peers::guard::{INSTANCE, RUN, edge};
        pub use slipway_runtime::http::edge::{Page, REQUEST_ID, with_fallbacks};
        pub use slipway_runtime::http::operators::{alive, readiness, ready, router as admin};
    }
}
pub mod internal {
    pub use slipway_init::authority;
    pub use slipway_peers::{access, identity, probe};
    pub mod client {
        pub use slipway_peers::client::*;
        pub use slipway_runtime::http::client::http_client;
    }
    pub use slipway_runtime::key;
    pub mod verify {
        pub use slipway_runtime::http::caller::Caller;
    }
}
pub mod process {
    pub use slipway_peers::RouterService;
    pub use slipway_runtime::command::Options;
    pub use slipway_runtime::process::slot::{Announcement, announcements};
}
pub mod quota {
    pub use slipway_contract::quota::*;
}
pub mod retry {
    pub use slipway_peers::waking::wake_when_somebody_comes;
    pub use slipway_runtime::retry::*;
}
pub mod token {
    pub use slipway_contract::grant::*;
    pub use slipway_runtime::token::*;
}
pub use slipway_peers::{Assembled, Peers};
pub use slipway_runtime::command::{Options, Service};
pub use slipway_runtime::{Health, Problem, Process};
