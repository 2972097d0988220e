//! What a person types: eight letters, easy to read out and to type (RFC 8628 section 6.1).

use crate::entropy::Entropy;
use crate::error::Result;
use crate::provider::context::Context;
use crate::secret::TokenHash;

/// Consonants without those that are mistaken for digits or make words: 20 letters, 34.6 bits in eight of them.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

const LETTERS: usize = 8;

/// Most bytes of what is typed that are looked at.
const MAX_TYPED_BYTES: usize = 64;

/// Bytes below this are taken for letters, each of which stands for as many of them.
const FAIR: u8 = 240;

/// A new code as it is shown, in two groups, and as it is kept.
pub(super) fn draw(cx: &Context<'_>) -> Result<(String, TokenHash)> {
    let letters = letters(cx.entropy)?;
    let kept = hash(cx, &letters);
    Ok((shown(&letters), kept))
}

fn letters(entropy: &dyn Entropy) -> Result<String> {
    let mut letters = String::with_capacity(LETTERS);
    while letters.len() < LETTERS {
        let mut drawn = [0; LETTERS * 2];
        entropy.fill(&mut drawn)?;
        let fair = drawn.iter().filter(|byte| **byte < FAIR);
        let picked = fair.filter_map(|byte| ALPHABET.get(usize::from(byte % 20)));
        letters.extend(picked.take(LETTERS - letters.len()).map(|letter| char::from(*letter)));
    }
    Ok(letters)
}

/// The letters as a person reads them: `WDJB-MJHT`.
pub(super) fn shown(letters: &str) -> String {
    let (first, second) = letters.split_at_checked(LETTERS / 2).unwrap_or((letters, ""));
    format!("{first}-{second}")
}

/// The letters of what was typed, whatever the case, and whatever stands between them; `None` when it is no code.
pub(super) fn normalised(typed: &str) -> Option<String> {
    if typed.len() > MAX_TYPED_BYTES {
        return None;
    }
    let letters: String =
        typed.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_uppercase()).collect();
    let sound = letters.len() == LETTERS && letters.bytes().all(|letter| ALPHABET.contains(&letter));
    sound.then_some(letters)
}

/// The form in which it is kept: keyed, since eight letters could be guessed from a plain hash.
fn hash(cx: &Context<'_>, letters: &str) -> TokenHash {
    hashes(cx, letters).into_iter().next().unwrap_or_else(|| TokenHash::of(letters))
}

/// The forms in which it may be kept.
pub(super) fn hashes(cx: &Context<'_>, letters: &str) -> Vec<TokenHash> {
    cx.secrets.peppered("user code", &[cx.issuer(), letters])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::EntropyError;

    /// attack 226: what is typed is normalised once: case, and what stands between the letters.
    #[test]
    fn a_code_is_the_same_however_it_is_typed() {
        for typed in ["WDJB-MJHT", "wdjbmjht", " wdjb mjht ", "W.D.J.B/M_J\u{2011}H\u{a0}T", "wDjB\tMjHt\r\n"]
        {
            assert_eq!(normalised(typed).as_deref(), Some("WDJBMJHT"), "{typed}");
        }
        assert_eq!(shown("WDJBMJHT"), "WDJB-MJHT");
    }

    /// attack 226: what is not of the alphabet is no code, however alike it looks.
    #[test]
    fn letters_of_another_alphabet_are_no_code() {
        let long = format!("WDJB{}MJHT", "-".repeat(64));
        for typed in [
            "",
            "WDJB-MJH",
            "WDJB-MJHTT",
            "WDJB-MJH0",
            "WDJB-MJHA",
            "WDJB-MJH\u{422}",
            "\u{ff37}DJBMJHT",
            &long,
        ] {
            assert_eq!(normalised(typed), None, "{typed}");
        }
    }

    /// Gives every byte in turn.
    #[derive(Debug, Default)]
    struct Counting(std::sync::atomic::AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
            dest.iter_mut()
                .for_each(|byte| *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
            Ok(())
        }
    }

    /// attack 219: each letter is as likely as every other.
    #[test]
    fn no_letter_is_drawn_more_often() {
        let mut counts = std::collections::BTreeMap::new();
        let source = Counting::default();
        for _ in 0..1600 {
            for letter in letters(&source).unwrap().chars() {
                *counts.entry(letter).or_insert(0_u32) += 1;
            }
        }
        assert_eq!(counts.len(), ALPHABET.len());
        let (least, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
        assert!(most - least <= 16, "{counts:?}");
    }
}
