#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| slipway_packages::fuzz::zip(
    bytes,
    slipway_fuzz::planted()
));
