#![no_main]

libfuzzer_sys::fuzz_target!(
    |bytes: &[u8]| slipway_runtime::http::framing::fuzz::framing(bytes, slipway_fuzz::planted())
);
