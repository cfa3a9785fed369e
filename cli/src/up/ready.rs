//! Tells the person at the terminal that the platform can be used, and where.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use slipway_runtime::data::DataDir;

use crate::terminal;

/// Waits until the gateway knows an instance of every service, and says so once.
pub(super) async fn tell(client: reqwest::Client, data: DataDir, address: SocketAddr) {
    loop {
        let url = format!("http://{}/readyz", reachable(address));
        let answer = client.get(url).timeout(Duration::from_secs(2)).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    terminal::say(format_args!(
        "Slipway is ready at http://{}",
        reachable(address)
    ));
    let path = data.admin_token();
    match fs::read_to_string(&path) {
        // Never into a file or a pipe: logs are read by more people than terminals.
        Ok(token) if terminal::a_person_reads() => {
            terminal::say(format_args!("The admin token is {}", token.trim()));
        }
        _ => terminal::say(format_args!(
            "The admin token is shown by: cat {}",
            path.display()
        )),
    }
}

/// An address that a browser on this machine can open: `0.0.0.0` means all, and is none.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}
