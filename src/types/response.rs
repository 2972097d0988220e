//! `response_type` and `response_mode`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::GrantType;

/// A `response_type`, its words in any order on the wire (OAuth 2.0 Multiple Response Type Encoding Practices).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum ResponseType {
    /// `code`
    Code,
    /// `code id_token`
    CodeIdToken,
    /// `code id_token token`
    CodeIdTokenToken,
    /// `code token`
    CodeToken,
    /// `id_token`
    IdToken,
    /// `id_token token`
    IdTokenToken,
    /// `none`
    None,
    /// `token`
    Token,
}

/// A text that is no response type or response mode that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response type or response mode is not known")]
pub struct UnknownResponse;

impl ResponseType {
    /// Every response type, in the order of their names on the wire.
    pub const ALL: [Self; 8] = [
        Self::Code,
        Self::CodeIdToken,
        Self::CodeIdTokenToken,
        Self::CodeToken,
        Self::IdToken,
        Self::IdTokenToken,
        Self::None,
        Self::Token,
    ];

    /// The type as it stands on the wire, its words in alphabetical order.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::CodeIdToken => "code id_token",
            Self::CodeIdTokenToken => "code id_token token",
            Self::CodeToken => "code token",
            Self::IdToken => "id_token",
            Self::IdTokenToken => "id_token token",
            Self::None => "none",
            Self::Token => "token",
        }
    }

    /// Whether a code is in the response.
    #[must_use]
    pub const fn has_code(self) -> bool {
        matches!(self, Self::Code | Self::CodeIdToken | Self::CodeIdTokenToken | Self::CodeToken)
    }

    /// Whether an access token is in the response.
    #[must_use]
    pub const fn has_token(self) -> bool {
        matches!(self, Self::CodeIdTokenToken | Self::CodeToken | Self::IdTokenToken | Self::Token)
    }

    /// Whether an ID token is in the response.
    #[must_use]
    pub const fn has_id_token(self) -> bool {
        matches!(self, Self::CodeIdToken | Self::CodeIdTokenToken | Self::IdToken | Self::IdTokenToken)
    }

    /// Whether a token of any kind is in the response, so that it must not travel in a query.
    #[must_use]
    pub const fn has_front_channel_token(self) -> bool {
        self.has_token() || self.has_id_token()
    }

    /// The grant types that a client registers with it (OpenID Connect Dynamic Client Registration 1.0 section 2).
    #[must_use]
    pub const fn grant_types(self) -> &'static [GrantType] {
        const HYBRID: &[GrantType] = &[GrantType::AuthorizationCode, GrantType::Implicit];
        const CODE: &[GrantType] = &[GrantType::AuthorizationCode];
        const IMPLICIT: &[GrantType] = &[GrantType::Implicit];
        match (self.has_code(), self.has_front_channel_token()) {
            (true, true) => HYBRID,
            (true, false) => CODE,
            (false, true) => IMPLICIT,
            (false, false) => &[],
        }
    }

    /// The mode that answers when none is asked for: `query`, or `fragment` where a token is in the response.
    #[must_use]
    pub const fn default_mode(self) -> ResponseMode {
        if self.has_front_channel_token() { ResponseMode::Fragment } else { ResponseMode::Query }
    }
}

impl FromStr for ResponseType {
    type Err = UnknownResponse;
    fn from_str(text: &str) -> Result<Self, UnknownResponse> {
        let mut words: Vec<&str> = text.split(' ').take(4).collect();
        words.sort_unstable();
        Ok(match words.as_slice() {
            ["code"] => Self::Code,
            ["code", "id_token"] => Self::CodeIdToken,
            ["code", "id_token", "token"] => Self::CodeIdTokenToken,
            ["code", "token"] => Self::CodeToken,
            ["id_token"] => Self::IdToken,
            ["id_token", "token"] => Self::IdTokenToken,
            ["none"] => Self::None,
            ["token"] => Self::Token,
            _ => return Err(UnknownResponse),
        })
    }
}

impl fmt::Display for ResponseType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for ResponseType {
    type Error = UnknownResponse;
    fn try_from(text: String) -> Result<Self, UnknownResponse> {
        text.parse()
    }
}

impl From<ResponseType> for String {
    fn from(response_type: ResponseType) -> Self {
        response_type.as_str().to_owned()
    }
}

/// A `response_mode`: how the response reaches the redirect URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum ResponseMode {
    /// In a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
    /// In the fragment.
    Fragment,
    /// In the query; never with a token.
    Query,
}

impl ResponseMode {
    /// The mode as it stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FormPost => "form_post",
            Self::Fragment => "fragment",
            Self::Query => "query",
        }
    }
}

impl FromStr for ResponseMode {
    type Err = UnknownResponse;
    fn from_str(text: &str) -> Result<Self, UnknownResponse> {
        Ok(match text {
            "form_post" => Self::FormPost,
            "fragment" => Self::Fragment,
            "query" => Self::Query,
            _ => return Err(UnknownResponse),
        })
    }
}

impl fmt::Display for ResponseMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for ResponseMode {
    type Error = UnknownResponse;
    fn try_from(text: String) -> Result<Self, UnknownResponse> {
        text.parse()
    }
}

impl From<ResponseMode> for String {
    fn from(mode: ResponseMode) -> Self {
        mode.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_words_does_not_matter_and_nothing_else_is_known() {
        assert_eq!("token id_token code".parse(), Ok(ResponseType::CodeIdTokenToken));
        assert_eq!("id_token code".parse(), Ok(ResponseType::CodeIdToken));
        let unknown = ["", " ", "foo", "CODE", "code ", " code", "code  id_token", "code code", "none code"];
        for text in unknown.into_iter().chain(["code\tid_token", "code id_token token none", "code,token"]) {
            assert_eq!(text.parse::<ResponseType>(), Err(UnknownResponse), "{text:?}");
        }
        for text in ["", "Query", "form_post.jwt", "web_message"] {
            assert_eq!(text.parse::<ResponseMode>(), Err(UnknownResponse), "{text:?}");
        }
    }

    #[test]
    fn every_type_and_mode_prints_what_it_parses() {
        for text in [
            "code",
            "code id_token",
            "code id_token token",
            "code token",
            "id_token",
            "id_token token",
            "none",
            "token",
        ] {
            assert_eq!(text.parse::<ResponseType>().unwrap().to_string(), text);
        }
        for text in ["form_post", "fragment", "query"] {
            assert_eq!(text.parse::<ResponseMode>().unwrap().to_string(), text);
        }
    }

    /// attack 27: what carries a token never answers in the query by itself.
    #[test]
    fn a_token_keeps_a_response_out_of_the_query() {
        assert_eq!(ResponseType::Code.default_mode(), ResponseMode::Query);
        assert_eq!(ResponseType::None.default_mode(), ResponseMode::Query);
        for text in ["code id_token", "code token", "id_token", "token", "id_token token"] {
            let response_type: ResponseType = text.parse().unwrap();
            assert!(response_type.has_front_channel_token(), "{text}");
            assert_eq!(response_type.default_mode(), ResponseMode::Fragment, "{text}");
        }
    }
}
