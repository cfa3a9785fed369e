#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| slipway_gateway::fuzz::path(
    bytes,
    slipway_fuzz::planted()
));
