//! Fresh databases: an SQLite file in the process's folder, or a database of its own on a real PostgreSQL server.
//!
//! The server's address is in `SLIPWAY_TEST_POSTGRES`; `./test` starts one. Without it the PostgreSQL half of a test
//! is skipped, which is a failure under `CI=true`.

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

/// The engines that every store test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// The engines that are there.
pub fn engines() -> Vec<Engine> {
    if server().is_some() {
        return vec![Engine::Sqlite, Engine::Postgres];
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "SLIPWAY_TEST_POSTGRES is not set, and under CI=true nothing is skipped"
    );
    #[expect(
        clippy::print_stderr,
        reason = "a skip is said where the test's result is"
    )]
    {
        eprintln!("skipped: PostgreSQL, because SLIPWAY_TEST_POSTGRES is not set (./test sets it)");
    }
    vec![Engine::Sqlite]
}

impl Engine {
    /// The URL of a database that nobody else uses; `None` is the service's default, a file in its folder.
    pub(crate) async fn fresh(self, service: &str) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => {
                let server = server().expect("engines() has checked it");
                let name = format!("{service}_{}", uuid::Uuid::now_v7().simple());
                sqlx::any::install_default_drivers();
                let mut connection = AnyConnection::connect(&format!("{server}/postgres"))
                    .await
                    .expect("the PostgreSQL server of the tests");
                connection
                    .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
                    .await
                    .expect("a fresh database");
                Some(format!("{server}/{name}"))
            }
        }
    }
}

/// `postgres://user@host:port`, without a database.
fn server() -> Option<String> {
    let url = std::env::var("SLIPWAY_TEST_POSTGRES").ok()?;
    Some(url.trim_end_matches('/').to_owned())
}
