//! The command `slipway`.

use std::process::ExitCode;

fn main() -> ExitCode {
    slipway::main()
}
