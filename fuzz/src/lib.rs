//! What the fuzz targets share.

use std::sync::LazyLock;

/// Whether each target is to have its planted fault, which the fuzzer must find: `SLIPWAY_PLANTED=1`.
pub fn planted() -> bool {
    static PLANTED: LazyLock<bool> =
        LazyLock::new(|| std::env::var("SLIPWAY_PLANTED").is_ok_and(|value| value == "1"));
    *PLANTED
}
