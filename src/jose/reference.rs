//! josekit's own reader of compact tokens, for comparing ours with it. Nothing but the fuzz targets calls it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use josekit::jwk::Jwk;
use josekit::jws::{EdDSA, deserialize_compact};
use serde_json::{Map, Value};

/// The payload, when josekit takes `token` for one that the Ed25519 key of `members` signed; `None` when it refuses
/// or panics.
pub(crate) fn read_compact(token: &str, members: &Map<String, Value>) -> Option<Vec<u8>> {
    let verifier = EdDSA.verifier_from_jwk(&Jwk::from_map(members.clone()).ok()?).ok()?;
    let read = catch_unwind(AssertUnwindSafe(|| deserialize_compact(token, &verifier).ok()));
    read.ok().flatten().map(|(payload, _)| payload)
}
