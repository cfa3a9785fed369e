//! What every Slipway process is made of, whatever it serves: settings ([`settings`]), folder ([`data`]), log, metrics
//! ([`metrics`]), the HTTP edge and accept loop ([`http`]), and the life of a process ([`life`]).
//!
//! [`Process`] is the context that everything else is given; nothing here knows of other processes, and nothing of SQL.

pub mod clock;
pub mod command;
pub mod damage;
pub mod data;
pub mod fault;
pub mod health;
pub mod http;
pub mod key;
pub mod life;
mod live;
pub mod metrics;
pub mod process;
pub mod retry;
pub mod settings;
pub mod telemetry;
pub mod token;

pub use health::Health;
pub use http::problem::Problem;
pub use live::Live;
pub use process::Process;
