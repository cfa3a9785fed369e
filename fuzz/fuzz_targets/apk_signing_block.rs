#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| slipway_packages::fuzz::apk_signing_block(
    bytes,
    slipway_fuzz::planted()
));
