//! What `cargo run --release` starts: the whole platform, as `slipway up` does.

fn main() -> std::process::ExitCode {
    slipway::server()
}
