//! Members of client metadata in other languages (RFC 7591 section 2.2).

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Serialize, Serializer};

/// The members that people read, and that may stand in several languages.
const MEMBERS: [&str; 5] = ["client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri"];

/// Most bytes in a language tag: as many as RFC 5646 section 4.4.1 asks for.
const MAX_TAG_BYTES: usize = 35;

/// Most members in other languages that are kept.
pub(super) const MAX_LOCALIZED: usize = 100;

/// Members in other languages by their whole names, such as `client_name#de`; others than those that people read are
/// left out when it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Localized(BTreeMap<String, String>);

impl Localized {
    /// The member `name`, such as `client_name`, in the language of `tag`, which is compared in any case.
    #[must_use]
    pub fn text(&self, name: &str, tag: &str) -> Option<&str> {
        self.iter()
            .find(|(known, lang, _)| *known == name && lang.eq_ignore_ascii_case(tag))
            .map(|found| found.2)
    }

    /// Name, language tag and text of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.iter().filter_map(|(name, text)| {
            let (name, tag) = name.split_once('#')?;
            Some((name, tag, text.as_str()))
        })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether `member` is one that is kept here: a known name and a language tag.
    pub(crate) fn keeps(member: &str) -> bool {
        member.split_once('#').is_some_and(|(name, tag)| {
            let plain = tag.split('-').all(|part| {
                (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            });
            MEMBERS.contains(&name) && tag.len() <= MAX_TAG_BYTES && plain
        })
    }
}

impl FromIterator<(String, String)> for Localized {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(members: I) -> Self {
        Self(members.into_iter().filter(|(name, _)| Self::keeps(name)).collect())
    }
}

impl Serialize for Localized {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Localized {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Localized;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("members of client metadata")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Localized, A::Error> {
        let mut kept = BTreeMap::new();
        while let Some(name) = members.next_key::<String>()? {
            if Localized::keeps(&name) {
                kept.insert(name, members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Localized(kept))
    }
}
