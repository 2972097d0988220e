//! What the fuzz target of credentials finds in a moment.

use proptest::prelude::*;

use super::*;

proptest! {
    /// attack 111, attack 134
    #[test]
    fn credentials_are_ours_or_none(seed in prop::collection::vec(any::<u8>(), 64), at: u8, byte: u8) {
        tokens(&[&seed[..], &[at, byte]].concat());
    }

    #[test]
    fn no_text_is_taken_for_a_credential(prefix in "(vs_(at|ac|rt)_)?", body in "[A-Za-z0-9_=-]{0,110}") {
        tokens(format!("{prefix}{body}").as_bytes());
    }
}
