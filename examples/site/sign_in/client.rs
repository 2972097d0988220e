//! What the pages say of a client: its own words, in the language of the person where it has them.

use minijinja::{Value, context};
use vouchsafe::client::{Client, Localized};
use vouchsafe::types::LanguageTag;

use super::super::pages::{Allowed, picture_origin};

/// A client as a page shows it.
pub(super) struct Shown {
    /// Its `name`, `logo_uri`, `policy_uri` and `tos_uri`.
    pub values: Value,
    /// What the page must allow for that.
    pub allowed: Allowed,
}

/// The client for people who prefer these languages, the best first.
///
/// Its addresses are https, as every client's are, so none is a script (attack 217). The logo comes from where the
/// client keeps it, without a word of where it is shown; a service with many clients keeps copies of them instead.
pub(super) fn shown(client: &Client, locales: &[LanguageTag]) -> Shown {
    let metadata = client.metadata();
    let say = |member: &str, plain: &Option<String>| {
        in_language(&metadata.localized, member, locales).or(plain.as_deref()).map(str::to_owned)
    };
    let logo_uri = say("logo_uri", &metadata.logo_uri);
    let picture = logo_uri.as_deref().and_then(picture_origin);
    let values = context! {
        name => say("client_name", &metadata.client_name).unwrap_or_else(|| client.id().to_string()),
        logo_uri => logo_uri.filter(|_| picture.is_some()),
        policy_uri => say("policy_uri", &metadata.policy_uri),
        tos_uri => say("tos_uri", &metadata.tos_uri),
    };
    Shown { values, allowed: Allowed { picture, script: None } }
}

/// A member in the first language that it is there in; `de-AT` is content with `de` (RFC 4647 section 3.4).
fn in_language<'a>(localized: &'a Localized, member: &str, locales: &[LanguageTag]) -> Option<&'a str> {
    locales.iter().find_map(|tag| {
        let mut range = tag.as_str();
        loop {
            match (localized.text(member, range), range.rsplit_once('-')) {
                (Some(text), _) => return Some(text),
                (None, Some((shorter, _))) => range = shorter,
                (None, None) => return None,
            }
        }
    })
}
