//! Why something was refused, and the one table from there to the wire.

#[macro_use]
mod authorization;
#[macro_use]
mod own;
#[macro_use]
mod registration;
#[macro_use]
mod resource;
#[macro_use]
mod token;

use std::borrow::Cow;

use super::ErrorCode;

/// Makes the table of all rows: each chapter puts its rows behind those before it and hands them on, this one is the last.
macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident => $code:ident, $text:literal;)+) => {
        /// Why a request was refused: one variant for each check that can refuse.
        ///
        /// Events and tests speak of reasons; clients see only what [`Reason::wire`] gives. A new reason is a
        /// minor change, another code for an existing reason a breaking one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $variant,)+
            /// A refusal of a host's grant or rule, with the code and text it chose.
            ///
            /// The text must be of the characters that RFC 6749 section 5.2 allows; others are replaced.
            Custom(ErrorCode, &'static str),
        }

        impl Reason {
            /// Every reason but [`Reason::Custom`], in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// What the client is told: the `error` code and the `error_description`.
            #[must_use]
            pub const fn wire(self) -> (ErrorCode, &'static str) {
                match self {
                    $(Self::$variant => (ErrorCode::$code, $text),)+
                    Self::Custom(code, text) => (code, text),
                }
            }

            /// The `error_description`, of the characters that may stand there.
            #[must_use]
            pub fn description(self) -> Cow<'static, str> {
                plain_text(self.wire().1)
            }

            /// The reason's own name, for logs and metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)+ Self::Custom(..) => "Custom" }
            }
        }
    };
}

token_reasons! {}

/// `text` with every character but `%x20-21 / %x23-5B / %x5D-7E` replaced (RFC 6749 section 5.2).
///
/// What is left can stand in a header, a quoted string and a JSON string as it is.
pub(crate) fn plain_text(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if is_plain(c) { c } else { '?' }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// attack 106, attack 331: descriptions are fixed and of the characters that RFC 6749 section 5.2 allows.
    #[test]
    fn every_text_is_plain_and_says_something() {
        for reason in Reason::ALL {
            let (code, text) = reason.wire();
            assert!(!text.is_empty() && !code.as_str().is_empty(), "{reason:?}");
            assert!(
                text.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
                "{reason:?}: {text}"
            );
        }
    }

    /// attack 331: the text of a host cannot end a quoted string or a line.
    #[test]
    fn a_custom_text_is_made_plain() {
        let reason = Reason::Custom(ErrorCode::InvalidRequest, "a\"b\\c\r\nSet-Cookie: x=1\0\u{e9}\u{7f}");
        assert_eq!(reason.description(), "a?b?c??Set-Cookie: x=1???");
    }

    /// attack 82: nothing on the wire tells which half of a credential was wrong.
    #[test]
    fn every_failed_authentication_reads_the_same() {
        let texts: Vec<_> = Reason::ALL
            .iter()
            .map(|reason| reason.wire())
            .filter(|(code, _)| *code == ErrorCode::InvalidClient)
            .collect();
        assert!(texts.len() > 10);
        assert!(texts.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
