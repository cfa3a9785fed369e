use std::process::ExitCode;

fn main() -> ExitCode {
    slipway_service::process::main::<slipway_upload::Upload>()
}
