//! `WWW-Authenticate`: writing it and reading it (RFC 9110 section 11.6.1).

use http::HeaderValue;

use crate::error::{Reason, plain_text};
use crate::types::Scope;

/// Most bytes of a header that [`parse`] reads.
const MAX_CHALLENGE_BYTES: usize = 16 * 1024;

/// Most challenges in one header.
const MAX_CHALLENGES: usize = 16;

/// Most parameters of one challenge.
const MAX_PARAMETERS: usize = 32;

/// One challenge: how a request may authenticate, and what was wrong with the one that did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    scheme: String,
    token: Option<String>,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// `Basic realm="…"`, for client authentication (RFC 6749 section 5.2, RFC 7617 section 2).
    #[must_use]
    pub fn basic(realm: &str) -> Self {
        Self::new("Basic").with("realm", realm)
    }

    /// `Bearer realm="…"`, for an access token (RFC 6750 section 3).
    #[must_use]
    pub fn bearer(realm: &str) -> Self {
        Self::new("Bearer").with("realm", realm)
    }

    /// `DPoP realm="…", algs="…"`, for an access token that is bound to a key; the algorithms are separated by spaces
    /// (RFC 9449 section 7.1).
    #[must_use]
    pub fn dpop(realm: &str, algorithms: &str) -> Self {
        Self::new("DPoP").with("realm", realm).with("algs", algorithms)
    }

    /// Adds `error` and `error_description` (RFC 6750 section 3.1).
    #[must_use]
    pub fn with_reason(self, reason: Reason) -> Self {
        self.with("error", reason.wire().0.as_str()).with("error_description", &reason.description())
    }

    /// Adds the scope that would be enough (RFC 6750 section 3).
    #[must_use]
    pub fn with_scope(self, scope: &Scope) -> Self {
        self.with("scope", &scope.to_string())
    }

    fn new(scheme: &str) -> Self {
        Self { scheme: scheme.to_owned(), token: None, parameters: Vec::new() }
    }

    /// Takes a parameter that was read; `None` where there may be no more.
    fn read(&mut self, name: &str, value: String) -> Option<()> {
        if self.token.is_some() || self.parameters.len() == MAX_PARAMETERS {
            return None;
        }
        self.parameters.push((name.to_owned(), value));
        Some(())
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The scheme as it was written; schemes are compared in any case.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The value of the parameter `name`, which is compared in any case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The token of a scheme that carries one instead of parameters, such as `Negotiate`.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The challenge as a header.
    ///
    /// Every value is a quoted string of the characters that RFC 6749 section 5.2 allows in a description;
    /// others are replaced, so that no value ends its quotes or the line (attack 331).
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        let mut text = self.scheme.clone();
        if let Some(token) = &self.token {
            text.extend([" ", token]);
        }
        for (place, (name, value)) in self.parameters.iter().enumerate() {
            let separator = if place == 0 { " " } else { ", " };
            text.extend([separator, name, "=\"", &plain_text(value), "\""]);
        }
        HeaderValue::try_from(text).expect("tokens and plain text are printable ASCII")
    }
}

/// Reads the challenges of one `WWW-Authenticate` header, in order.
///
/// `None` for a header over 16 KiB, with more than 16 challenges or 32 parameters in one of them, or that is not
/// of the form of RFC 9110 section 11.6.1.
#[must_use]
pub fn parse(header: &HeaderValue) -> Option<Vec<Challenge>> {
    if header.len() > MAX_CHALLENGE_BYTES {
        return None;
    }
    let text = String::from_utf8_lossy(header.as_bytes());
    let mut rest = Rest(&text);
    let mut challenges: Vec<Challenge> = Vec::new();
    loop {
        rest.skip(|c| matches!(c, ' ' | '\t' | ','));
        if rest.0.is_empty() {
            return Some(challenges);
        }
        let name = rest.token()?;
        match rest.parameter_value()? {
            Some(value) => challenges.last_mut()?.read(name, value)?,
            None if challenges.len() == MAX_CHALLENGES => return None,
            None => challenges.push(rest.challenge(name)?),
        }
        if !rest.is_at_end() {
            return None;
        }
    }
}

/// What is still to be read of a header.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip(&mut self, skipped: impl Fn(char) -> bool) {
        self.0 = self.0.trim_start_matches(skipped);
    }

    fn take(&mut self, taken: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !taken(c)).unwrap_or(self.0.len());
        let (head, tail) = self.0.split_at(end);
        self.0 = tail;
        head
    }

    fn token(&mut self) -> Option<&'a str> {
        Some(self.take(is_token_char)).filter(|token| !token.is_empty())
    }

    /// `= token` or `= "quoted"`; `Some(None)`, with nothing read, when no `=` follows.
    fn parameter_value(&mut self) -> Option<Option<String>> {
        let Some(value) = self.0.trim_start_matches([' ', '\t']).strip_prefix('=') else { return Some(None) };
        self.0 = value.trim_start_matches([' ', '\t']);
        match self.0.strip_prefix('"') {
            Some(quoted) => {
                self.0 = quoted;
                self.quoted().map(Some)
            }
            None => self.token().map(|token| Some(token.to_owned())),
        }
    }

    /// The rest of a quoted string, its escapes undone (RFC 9110 section 5.6.4).
    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut chars = self.0.chars();
        loop {
            let c = match chars.next()? {
                '"' => break,
                '\\' => chars.next()?,
                c => c,
            };
            if c.is_control() && c != '\t' {
                return None;
            }
            value.push(c);
        }
        self.0 = chars.as_str();
        Some(value)
    }

    /// What follows the name of a scheme: a token, a first parameter, or nothing.
    fn challenge(&mut self, scheme: &str) -> Option<Challenge> {
        let mut challenge = Challenge::new(scheme);
        challenge.token = self.token68().map(str::to_owned);
        if challenge.token.is_none() && !self.is_at_end() {
            let name = self.token()?;
            let value = self.parameter_value()??;
            challenge.read(name, value)?;
        }
        Some(challenge)
    }

    /// What `Negotiate` and `NTLM` send instead of parameters; nothing is read when it is something else.
    fn token68(&mut self) -> Option<&'a str> {
        let text = self.0.strip_prefix(' ')?.trim_start_matches(' ');
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        let (token, tail) = text.split_at(end);
        let body = token.trim_end_matches('=');
        let is_char = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
        let ends = tail.trim_start_matches([' ', '\t']).chars().next().is_none_or(|c| c == ',');
        if body.is_empty() || !body.bytes().all(is_char) || !ends {
            return None;
        }
        self.0 = tail;
        Some(token)
    }

    /// Whether a comma or the end comes next; white space before it is skipped.
    fn is_at_end(&mut self) -> bool {
        self.skip(|c| matches!(c, ' ' | '\t'));
        self.0.is_empty() || self.0.starts_with(',')
    }
}

/// `tchar` of RFC 9110 section 5.6.2.
fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorCode;

    fn parsed(header: &str) -> Option<Vec<Challenge>> {
        parse(&HeaderValue::from_bytes(header.as_bytes()).unwrap())
    }

    #[test]
    fn a_challenge_reads_as_the_specification_writes_it() {
        assert_eq!(Challenge::basic("op").header_value(), "Basic realm=\"op\"");
        let proof = Challenge::dpop("op", "ES256 PS256").header_value();
        assert_eq!(proof, "DPoP realm=\"op\", algs=\"ES256 PS256\"");
        let scope = Scope::parse("openid profile").unwrap();
        let challenge = Challenge::bearer("op").with_reason(Reason::AccessTokenScope).with_scope(&scope);
        let text = "Bearer realm=\"op\", error=\"insufficient_scope\", \
                    error_description=\"the access token lacks the scope openid\", scope=\"openid profile\"";
        assert_eq!(challenge.header_value(), text);
        assert_eq!(parsed(text), Some(vec![challenge]));
    }

    /// attack 331: no text of a host or a configuration ends the quotes or the line.
    #[test]
    fn no_value_leaves_its_quotes() {
        let reason = Reason::Custom(ErrorCode::InvalidToken, "a\", error=\"x\\\r\nSet-Cookie: x=1\0");
        let header = Challenge::bearer("r\"\\\r\n\u{e9}").with_reason(reason).header_value();
        let expected = "Bearer realm=\"r?????\", error=\"invalid_token\", \
                        error_description=\"a?, error=?x???Set-Cookie: x=1?\"";
        assert_eq!(header, expected);
    }

    #[test]
    fn several_challenges_are_read_in_order() {
        let header = "Negotiate, Bearer, DPoP algs=\"ES256 PS256\" , error = use_dpop_nonce,\
                      ,Basic realm=\"a, b=\\\"c\\\"\",NTLM TlRMTVNTUAAB==, Digest";
        let challenges = parsed(header).unwrap();
        let schemes: Vec<_> = challenges.iter().map(Challenge::scheme).collect();
        assert_eq!(schemes, ["Negotiate", "Bearer", "DPoP", "Basic", "NTLM", "Digest"]);
        assert_eq!(challenges[2].parameter("ALGS"), Some("ES256 PS256"));
        assert_eq!(challenges[2].parameter("error"), Some("use_dpop_nonce"));
        assert_eq!(challenges[3].parameter("realm"), Some("a, b=\"c\""));
        assert_eq!(challenges[4].token(), Some("TlRMTVNTUAAB=="));
        assert_eq!(challenges[1].parameter("realm"), None);
        assert_eq!(parsed(""), Some(vec![]));
        // By the grammar this is a token, not a parameter without a value.
        assert_eq!(parsed("Bearer realm=").unwrap()[0].token(), Some("realm="));
    }

    #[test]
    fn what_is_no_list_of_challenges_is_refused() {
        for header in [
            "=",
            "\"Bearer\"",
            "Bearer realm=\"",
            "Bearer realm=\"a\\",
            "Bearer realm=\"a\"b",
            "Bearer realm=a b",
            "Bearer =a",
            "realm=a",
            "Bearer a=b c=d",
            "Bearer abc def",
            "NTLM abc=, a=b",
            "Bearer realm=a;b",
            "B\u{e9}arer",
        ] {
            assert_eq!(parsed(header), None, "{header}");
        }
    }

    /// attack 325: size and count are bounded.
    #[test]
    fn a_flood_of_challenges_is_refused() {
        assert_eq!(parsed(&"a,".repeat(MAX_CHALLENGES)).map(|read| read.len()), Some(MAX_CHALLENGES));
        assert_eq!(parsed(&"a,".repeat(MAX_CHALLENGES + 1)), None);
        assert!(parsed(&format!("a {}", "b=c,".repeat(MAX_PARAMETERS))).is_some());
        assert_eq!(parsed(&format!("a {}", "b=c,".repeat(MAX_PARAMETERS + 1))), None);
        assert_eq!(parsed(&"a".repeat(MAX_CHALLENGE_BYTES + 1)), None);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_as_plain_text(realm in any::<String>()) {
            let header = Challenge::bearer(&realm).with_reason(Reason::AccessTokenInvalid).header_value();
            prop_assert!(header.as_bytes().iter().all(|b| (0x20..0x7f).contains(b)));
            let read = parse(&header).unwrap();
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(read[0].parameter("realm"), Some(&*plain_text(&realm)));
            prop_assert_eq!(read[0].parameter("error"), Some("invalid_token"));
        }
    }
}
