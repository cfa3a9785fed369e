#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| slipway_upload::fuzz::tus_metadata(
    bytes,
    slipway_fuzz::planted()
));
