//! What a client asks of the interaction: `prompt` and `display`.

use serde::{Deserialize, Serialize};

/// One value of `prompt` (OpenID Connect Core 1.0 section 3.1.2.1, Initiating User Registration via OpenID Connect 1.0
/// section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Prompt {
    /// Ask for consent.
    Consent,
    /// Offer to create an account.
    Create,
    /// Ask for a login, even where someone is signed in.
    Login,
    /// Show nothing.
    None,
    /// Ask which account.
    SelectAccount,
}

/// The values of `prompt`, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompts {
    consent: bool,
    #[serde(default)]
    create: bool,
    login: bool,
    none: bool,
    select_account: bool,
}

/// A `prompt` or `display` that is not of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidInteraction {
    /// An unknown value.
    #[error("prompt or display has an unknown value")]
    Unknown,
    /// `none` beside another value.
    #[error("prompt=none must stand alone")]
    NoneCombined,
}

impl Prompts {
    /// Parses space-separated values.
    ///
    /// # Errors
    /// [`InvalidInteraction::Unknown`], or [`InvalidInteraction::NoneCombined`].
    pub fn parse(text: &str) -> Result<Self, InvalidInteraction> {
        let mut prompts = Self::default();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            match word {
                "consent" => prompts.consent = true,
                "create" => prompts.create = true,
                "login" => prompts.login = true,
                "none" => prompts.none = true,
                "select_account" => prompts.select_account = true,
                _ => return Err(InvalidInteraction::Unknown),
            }
        }
        let alone = Self { none: true, ..Self::default() };
        if prompts.none && prompts != alone {
            return Err(InvalidInteraction::NoneCombined);
        }
        Ok(prompts)
    }

    /// Whether `prompt` is among the values.
    #[must_use]
    pub const fn contains(self, prompt: Prompt) -> bool {
        match prompt {
            Prompt::Consent => self.consent,
            Prompt::Create => self.create,
            Prompt::Login => self.login,
            Prompt::None => self.none,
            Prompt::SelectAccount => self.select_account,
        }
    }
}

/// `display` (OpenID Connect Core 1.0 section 3.1.2.1): how the pages should show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Display {
    /// A full page; the default.
    #[default]
    Page,
    /// A popup window.
    Popup,
    /// A touch device.
    Touch,
    /// A feature phone.
    Wap,
}

impl Display {
    /// Parses the value.
    ///
    /// # Errors
    /// [`InvalidInteraction::Unknown`].
    pub fn parse(text: &str) -> Result<Self, InvalidInteraction> {
        Ok(match text {
            "page" => Self::Page,
            "popup" => Self::Popup,
            "touch" => Self::Touch,
            "wap" => Self::Wap,
            _ => return Err(InvalidInteraction::Unknown),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// attack 37: `none` beside another value, and unknown values, are refused.
    #[test]
    fn none_stands_alone() {
        for text in ["none login", "consent none", "select_account none none", "none create"] {
            assert_eq!(Prompts::parse(text), Err(InvalidInteraction::NoneCombined), "{text}");
        }
        for text in ["logon", "Login", "none,login", "login\tconsent", "none logon", "login\u{a0}"] {
            assert_eq!(Prompts::parse(text), Err(InvalidInteraction::Unknown), "{text:?}");
        }
        assert!(Prompts::parse("none").unwrap().contains(Prompt::None));
    }

    #[test]
    fn values_are_a_set_in_any_order() {
        let prompts = Prompts::parse("login consent login").unwrap();
        assert_eq!(prompts, Prompts::parse(" consent  login ").unwrap());
        assert!(prompts.contains(Prompt::Consent) && prompts.contains(Prompt::Login));
        assert!(!prompts.contains(Prompt::None) && !prompts.contains(Prompt::SelectAccount));
        assert!(Prompts::parse("create").unwrap().contains(Prompt::Create));
        assert_eq!(Prompts::parse(""), Ok(Prompts::default()));
    }

    #[test]
    fn display_is_one_of_four_words() {
        assert_eq!(Display::parse("touch"), Ok(Display::Touch));
        for text in ["", "Page", "page popup", "tv"] {
            assert_eq!(Display::parse(text), Err(InvalidInteraction::Unknown), "{text:?}");
        }
    }
}
