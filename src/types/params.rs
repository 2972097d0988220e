//! The parameters of a request: ordered pairs, each name at most once where the specification says so.

use url::form_urlencoded;

use crate::error::Reason;

/// Most bytes in a form or a query.
pub const MAX_FORM_BYTES: usize = 64 * 1024;

/// Most parameters in one request.
pub const MAX_PARAMS: usize = 100;

/// The parameters of a request in their order, decoded once.
///
/// A parameter without a value counts as omitted, and none may stand twice unless its specification says so
/// (RFC 6749 sections 3.1 and 3.2).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Decodes `application/x-www-form-urlencoded` bytes (RFC 6749 appendix B).
    ///
    /// # Errors
    /// [`Reason::BodyTooLarge`] over 64 KiB, [`Reason::TooManyParameters`] over 100, and
    /// [`Reason::FormMalformed`] for a broken escape, NUL, or bytes that are not UTF-8.
    pub fn parse(form: &[u8]) -> Result<Self, Reason> {
        if form.len() > MAX_FORM_BYTES {
            return Err(Reason::BodyTooLarge);
        }
        if form.iter().filter(|b| **b == b'&').count() >= MAX_PARAMS {
            return Err(Reason::TooManyParameters);
        }
        let pairs = form.split(|b| *b == b'&').filter(|pair| !pair.is_empty());
        pairs.map(pair).collect::<Option<_>>().map(Self).ok_or(Reason::FormMalformed)
    }

    /// Takes pairs that are decoded already.
    #[must_use]
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The value of `name`; `None` when it is absent or empty.
    ///
    /// # Errors
    /// [`Reason::ParameterRepeated`] when it stands more than once.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Reason> {
        let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(Reason::ParameterRepeated);
        }
        Ok(first.filter(|value| !value.is_empty()))
    }

    /// Every non-empty value of `name`, in order.
    pub fn many<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(n, value)| *n == name && !value.is_empty()).map(|(_, value)| value)
    }

    /// All pairs in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is no parameter at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pairs as `application/x-www-form-urlencoded` text.
    #[must_use]
    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// Prints names only: values can be codes, tokens and passwords.
impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Params(")?;
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()?;
        f.write_str(")")
    }
}

fn pair(pair: &[u8]) -> Option<(String, String)> {
    let mut halves = pair.splitn(2, |b| *b == b'=');
    let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
    Some((form_component(name)?, form_component(value)?))
}

/// Decodes one name or value of a form, once: `+` is a space, `%` begins an escape.
///
/// `None` for a broken escape, NUL, or bytes that are not UTF-8.
pub(crate) fn form_component(encoded: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'%' => hex_digit(rest.next())? << 4 | hex_digit(rest.next())?,
            b'+' => b' ',
            _ => *byte,
        });
    }
    if decoded.contains(&0) {
        return None;
    }
    String::from_utf8(decoded).ok()
}

fn hex_digit(byte: Option<&u8>) -> Option<u8> {
    match byte? {
        digit @ b'0'..=b'9' => Some(digit - b'0'),
        upper @ b'A'..=b'F' => Some(upper - b'A' + 10),
        lower @ b'a'..=b'f' => Some(lower - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_refused_and_an_empty_one_is_absent() {
        let params = Params::parse(b"a=1&a=2&b=&c=x").unwrap();
        assert_eq!(params.one("a"), Err(Reason::ParameterRepeated));
        assert_eq!(params.one("b"), Ok(None));
        assert_eq!(params.one("c"), Ok(Some("x")));
        assert_eq!(params.many("a").collect::<Vec<_>>(), ["1", "2"]);
    }

    /// attack 324: broken forms are refused or read as WHATWG reads them, never a panic.
    #[test]
    fn broken_forms_are_refused() {
        for form in [&b"a=%zz"[..], b"a=%", b"a=%4", b"a=%00", b"a=\0", b"a=%ff", b"\xff=1"] {
            assert_eq!(Params::parse(form), Err(Reason::FormMalformed), "{form:?}");
        }
        for form in [&b"+"[..], b"=", b"&&&", b"a", b""] {
            assert!(Params::parse(form).is_ok(), "{form:?}");
        }
        assert_eq!(Params::parse(&vec![b'a'; MAX_FORM_BYTES + 1]), Err(Reason::BodyTooLarge));
        assert_eq!(Params::parse("a=1&".repeat(101).as_bytes()), Err(Reason::TooManyParameters));
    }
}
