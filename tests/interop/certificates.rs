//! Certificates of the loopback address that signed themselves, each with its key.

/// Of an elliptic curve.
pub(crate) const ELLIPTIC: [&str; 2] = [
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples/loopback.crt"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples/loopback.key"),
];

/// Of RSA.
pub(crate) const RSA: [&str; 2] = [
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples/loopback_rsa.crt"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples/loopback_rsa.key"),
];
