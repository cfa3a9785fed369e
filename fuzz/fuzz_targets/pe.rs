#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| slipway_packages::fuzz::pe(
    bytes,
    slipway_fuzz::planted()
));
