//! The one place where HTTP clients are made.

use std::time::Duration;

/// Time for a connection on a local network, with the proofs of both ends.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Time without a byte of the answer after which a call has failed, however much the other end lives.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// Makes a client with our time-outs for plain HTTP and public servers. Where that fails there is none: one without
/// time-outs would wait for ever.
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    // What an https:// URL needs. It fails when it was installed before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    builder().build()
}

/// Our time-outs, and nothing that the environment says of proxies.
pub fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(Duration::from_secs(5))
        .no_proxy()
}
