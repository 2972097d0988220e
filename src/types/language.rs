//! Languages.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Most bytes in a language tag: what every implementation must be able to hold (RFC 5646 section 4.4.1).
const MAX_TAG_BYTES: usize = 35;

/// A language tag in the form of BCP 47, such as `de` or `pt-BR`: parts of 1 to 8 letters and digits, up to 35 bytes.
///
/// Whether there is such a language is not looked up. Its spelling is kept; case does not count when tags are compared
/// (RFC 5646 section 2.1.1).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct LanguageTag(Arc<str>);

/// A text that has not the form of a language tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a language tag must be parts of 1 to 8 letters and digits, joined by -, up to 35 bytes")]
pub struct InvalidLanguageTag;

impl LanguageTag {
    /// Checks the form of `text`.
    ///
    /// # Errors
    /// [`InvalidLanguageTag`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidLanguageTag> {
        let is_part = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let is_tag = text.len() <= MAX_TAG_BYTES && text.split('-').all(is_part);
        if is_tag { Ok(Self(text.into())) } else { Err(InvalidLanguageTag) }
    }

    /// The tag as it was spelt.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for LanguageTag {
    fn eq(&self, other: &Self) -> bool {
        *self == *other.as_str()
    }
}

impl Eq for LanguageTag {}

impl PartialEq<str> for LanguageTag {
    fn eq(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl PartialEq<&str> for LanguageTag {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl TryFrom<Cow<'_, str>> for LanguageTag {
    type Error = InvalidLanguageTag;

    fn try_from(text: Cow<'_, str>) -> Result<Self, InvalidLanguageTag> {
        Self::parse(&text)
    }
}

impl From<LanguageTag> for String {
    fn from(tag: LanguageTag) -> Self {
        tag.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_has_the_form_of_one() {
        for text in ["de", "pt-BR", "zh-Hant-TW", "x-whatever", "1"] {
            assert_eq!(LanguageTag::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "-", "de-", "de_DE", "d\u{e9}", "abcdefghi", "de DE", &"ab-".repeat(12)] {
            assert_eq!(LanguageTag::parse(text), Err(InvalidLanguageTag), "{text:?}");
        }
        assert_eq!(LanguageTag::parse("pt-BR").unwrap(), "PT-br");
    }
}
