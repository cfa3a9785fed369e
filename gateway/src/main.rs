use std::process::ExitCode;

fn main() -> ExitCode {
    slipway_gateway::main()
}
