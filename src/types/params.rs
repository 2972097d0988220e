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
pub struct Params {
    /// Every name and value, one after another.
    text: String,
    /// Where in it each pair's name and value end; each begins where the one before ends.
    ends: Vec<(usize, usize)>,
}

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
        let pairs = form.split(|b| *b == b'&').filter(|pair| !pair.is_empty());
        let count = pairs.clone().count();
        if count > MAX_PARAMS {
            return Err(Reason::TooManyParameters);
        }
        let mut params = Self { text: String::with_capacity(form.len()), ends: Vec::with_capacity(count) };
        for pair in pairs {
            let mut halves = pair.splitn(2, |b| *b == b'=');
            let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
            let name_end = decode_onto(&mut params.text, name).ok_or(Reason::FormMalformed)?;
            let value_end = decode_onto(&mut params.text, value).ok_or(Reason::FormMalformed)?;
            params.ends.push((name_end, value_end));
        }
        Ok(params)
    }

    /// Takes pairs that are decoded already.
    #[must_use]
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut params = Self::default();
        for (name, value) in pairs {
            params.text.push_str(name.as_ref());
            let name_end = params.text.len();
            params.text.push_str(value.as_ref());
            params.ends.push((name_end, params.text.len()));
        }
        params
    }

    /// The value of `name`; `None` when it is absent or empty.
    ///
    /// # Errors
    /// [`Reason::ParameterRepeated`] when it stands more than once.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Reason> {
        let mut values = self.iter().filter(|(n, _)| *n == name).map(|(_, value)| value);
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
        let part = |from, to| self.text.get(from..to).unwrap_or_default();
        self.ends.iter().scan(0, move |from, (name_end, value_end)| {
            let pair = (part(*from, *name_end), part(*name_end, *value_end));
            *from = *value_end;
            Some(pair)
        })
    }

    /// Whether there is no parameter at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The pairs as `application/x-www-form-urlencoded` text.
    #[must_use]
    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.iter()).finish()
    }
}

/// Prints names only: values can be codes, tokens and passwords.
impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Params(")?;
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()?;
        f.write_str(")")
    }
}

/// Decodes one name or value of a form, once: `+` is a space, `%` begins an escape.
///
/// `None` for a broken escape, NUL, or bytes that are not UTF-8.
pub(crate) fn form_component(encoded: &[u8]) -> Option<String> {
    let mut decoded = String::with_capacity(encoded.len());
    decode_onto(&mut decoded, encoded)?;
    Some(decoded)
}

/// Appends what [`form_component`] gives to `text`, and says where it ends.
fn decode_onto(text: &mut String, encoded: &[u8]) -> Option<usize> {
    let (mut rest, is_special) = (encoded, |b: &u8| matches!(b, b'%' | b'+' | 0));
    let mut escaped = Vec::new();
    while let Some(at) = rest.iter().position(is_special) {
        let (plain, special) = rest.split_at(at);
        escaped.extend_from_slice(plain);
        let (byte, length) = match *special {
            [b'%', high, low, ..] => (hex_digit(high)? << 4 | hex_digit(low)?, 3),
            [b'+', ..] => (b' ', 1),
            _ => return None,
        };
        if byte == 0 {
            return None;
        }
        escaped.push(byte);
        rest = special.get(length..)?;
    }
    if escaped.is_empty() {
        text.push_str(std::str::from_utf8(rest).ok()?);
    } else {
        escaped.extend_from_slice(rest);
        text.push_str(std::str::from_utf8(&escaped).ok()?);
    }
    Some(text.len())
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        digit @ b'0'..=b'9' => Some(digit - b'0'),
        upper @ b'A'..=b'F' => Some(upper - b'A' + 10),
        lower @ b'a'..=b'f' => Some(lower - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// attack 19, attack 20: a doubled parameter is refused, also where one of the two is empty, and an empty one is
    /// absent.
    #[test]
    fn a_repeated_parameter_is_refused_and_an_empty_one_is_absent() {
        let params = Params::parse(b"a=1&a=2&b=&c=x&d=&d=1&e=1&%65=1&f").unwrap();
        for name in ["a", "d", "e"] {
            assert_eq!(params.one(name), Err(Reason::ParameterRepeated), "{name}");
        }
        assert_eq!(params.one("b"), Ok(None));
        assert_eq!(params.one("f"), Ok(None));
        assert_eq!(params.one("c"), Ok(Some("x")));
        assert_eq!(params.one("C"), Ok(None));
        assert_eq!(params.many("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(params.many("d").collect::<Vec<_>>(), ["1"]);
    }

    /// attack 324: broken forms are refused or read as WHATWG reads them, never a panic.
    #[test]
    fn broken_forms_are_refused() {
        for form in [
            &b"a=%zz"[..],
            b"a=%",
            b"a=%4",
            b"%=1",
            b"%4g=",
            b"a=%00",
            b"a=\0",
            b"a=%ff",
            b"\xff=1",
            b"a=%c3",
        ] {
            assert_eq!(Params::parse(form), Err(Reason::FormMalformed), "{form:?}");
        }
        for form in [&b"+"[..], b"=", b"&&&", b"a", b"a=1=2", b"a=%0d%0a", b""] {
            let ours = Params::parse(form).unwrap();
            let whatwg = form_urlencoded::parse(form);
            assert_eq!(ours.iter().collect::<Vec<_>>(), whatwg.collect::<Vec<_>>().as_pairs(), "{form:?}");
        }
    }

    /// attack 324: size and count are capped before anything is decoded, so keys that collide cost nothing.
    #[test]
    fn large_forms_are_refused() {
        assert!(Params::parse(&vec![b'a'; MAX_FORM_BYTES]).is_ok());
        assert_eq!(Params::parse(&vec![b'a'; MAX_FORM_BYTES + 1]), Err(Reason::BodyTooLarge));
        assert!(Params::parse("a=1&".repeat(100).as_bytes()).is_ok());
        assert_eq!(Params::parse("a=1&".repeat(101).as_bytes()), Err(Reason::TooManyParameters));
        assert_eq!(Params::parse("&".repeat(MAX_FORM_BYTES).as_bytes()), Ok(Params::default()));
    }

    /// attack 7: escapes are undone once.
    #[test]
    fn a_value_is_decoded_exactly_once() {
        let params = Params::parse(b"redirect_uri=https%3A%2F%2Fclient.example%2Fcb%252f..%252fx").unwrap();
        assert_eq!(params.one("redirect_uri"), Ok(Some("https://client.example/cb%2f..%2fx")));
    }

    #[test]
    fn values_are_not_printed() {
        let params = Params::from_pairs([("code", "s3cret"), ("state", "s3cret")]);
        assert_eq!(format!("{params:?}"), r#"Params(["code", "state"])"#);
    }

    trait AsPairs {
        fn as_pairs(&self) -> Vec<(&str, &str)>;
    }

    impl AsPairs for Vec<(std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)> {
        fn as_pairs(&self) -> Vec<(&str, &str)> {
            self.iter().map(|(name, value)| (&**name, &**value)).collect()
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_parses_to_the_same(pairs in prop::collection::vec(("[^\0]{0,8}", "[^\0]{0,8}"), 0..8)) {
            let params = Params::from_pairs(pairs);
            prop_assert_eq!(Params::parse(params.encode().as_bytes()), Ok(params));
        }

        /// Whatever is accepted is read as WHATWG reads it.
        #[test]
        fn accepted_forms_are_read_as_browsers_write_them(form in "[a-c%+=&0-9A-F]{0,40}") {
            if let Ok(params) = Params::parse(form.as_bytes()) {
                let whatwg = form_urlencoded::parse(form.as_bytes()).collect::<Vec<_>>();
                prop_assert_eq!(params.iter().collect::<Vec<_>>(), whatwg.as_pairs());
            }
        }
    }
}
