use std::process::ExitCode;

fn main() -> ExitCode {
    slipway_init::main()
}
