#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vouchsafe::internal::fuzzing::protocol(data));
