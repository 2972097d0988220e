//! Distinguished names: of certificates, and as texts that clients register (RFC 4514).

use std::fmt;

use serde::{Deserialize, Serialize};
use x509_parser::asn1_rs::{Any, FromDer as _, Tag};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// Most bytes in the text of a name.
const MAX_BYTES: usize = 2048;

/// The short names of attribute types: those of RFC 4514 section 3, and others that certificates of clients
/// have.
const TYPES: [(&str, &str); 14] = [
    ("CN", "2.5.4.3"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("C", "2.5.4.6"),
    ("STREET", "2.5.4.9"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("serialNumber", "2.5.4.5"),
    ("businessCategory", "2.5.4.15"),
    ("postalCode", "2.5.4.17"),
    ("organizationIdentifier", "2.5.4.97"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
];

/// A distinguished name in one form: the attributes of each step by type and value, the last step first (RFC
/// 4514 section 2.1). Two names are equal if all of that is, to the letter: no case is folded, no space left
/// out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName(Vec<Vec<Attribute>>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Attribute {
    oid: String,
    value: AttributeValue,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum AttributeValue {
    /// A value of a kind that is no text: its tag and contents.
    Other(u32, Vec<u8>),
    /// A UTF8String, PrintableString, IA5String or NumericString, which do not differ here.
    Text(String),
}

/// The subject that the certificate of a client must have, as the client registered it
/// (`tls_client_auth_subject_dn`, RFC 8705 section 2.1.2).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SubjectDn {
    text: String,
    name: DistinguishedName,
}

/// A text that is no distinguished name of RFC 4514 section 3, is empty, or is over 2048 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subject must be a distinguished name of RFC 4514, such as CN=client,O=Example,C=DE")]
pub struct InvalidSubjectDn;

impl DistinguishedName {
    /// The name of a certificate, which begins with the first step.
    pub(super) fn of(name: &X509Name<'_>) -> Self {
        let step = |step: Vec<Attribute>| sorted(step);
        let mut steps: Vec<_> =
            name.iter_rdn().map(|rdn| step(rdn.iter().map(Attribute::of).collect())).collect();
        steps.reverse();
        Self(steps)
    }
}

impl Attribute {
    fn of(attribute: &AttributeTypeAndValue<'_>) -> Self {
        let value = AttributeValue::of(attribute.attr_value());
        Self { oid: attribute.attr_type().to_id_string(), value }
    }
}

impl AttributeValue {
    fn of(value: &Any<'_>) -> Self {
        let tag = value.tag();
        let is_text =
            [Tag::Utf8String, Tag::PrintableString, Tag::Ia5String, Tag::NumericString].contains(&tag);
        match std::str::from_utf8(value.data) {
            Ok(text) if is_text => Self::Text(text.to_owned()),
            _ => Self::Other(tag.0, value.data.to_vec()),
        }
    }
}

impl SubjectDn {
    /// Reads the string representation of RFC 4514 section 3.
    ///
    /// # Errors
    /// [`InvalidSubjectDn`].
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidSubjectDn> {
        let text = text.into();
        if text.is_empty() || text.len() > MAX_BYTES {
            return Err(InvalidSubjectDn);
        }
        let mut reader = Reader { rest: text.as_bytes() };
        let mut steps = vec![reader.step()?];
        while reader.skip(b',') {
            steps.push(reader.step()?);
        }
        if !reader.rest.is_empty() {
            return Err(InvalidSubjectDn);
        }
        Ok(Self { text, name: DistinguishedName(steps) })
    }

    /// The text as it was registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `subject` is this name.
    #[must_use]
    pub fn is(&self, subject: &DistinguishedName) -> bool {
        self.name == *subject
    }
}

impl fmt::Debug for SubjectDn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectDn({:?})", self.text)
    }
}

impl From<SubjectDn> for String {
    fn from(subject: SubjectDn) -> Self {
        subject.text
    }
}

impl TryFrom<String> for SubjectDn {
    type Error = InvalidSubjectDn;

    fn try_from(text: String) -> Result<Self, InvalidSubjectDn> {
        Self::parse(text)
    }
}

/// What is left of a text.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn skip(&mut self, byte: u8) -> bool {
        let rest = self.rest.strip_prefix(&[byte]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn take_while(&mut self, is: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !is(*byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// `relativeDistinguishedName`.
    fn step(&mut self) -> Result<Vec<Attribute>, InvalidSubjectDn> {
        let mut attributes = vec![self.attribute()?];
        while self.skip(b'+') {
            attributes.push(self.attribute()?);
        }
        Ok(sorted(attributes))
    }

    /// `attributeTypeAndValue`.
    fn attribute(&mut self) -> Result<Attribute, InvalidSubjectDn> {
        let name = self.take_while(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        let oid = oid(std::str::from_utf8(name).map_err(|_| InvalidSubjectDn)?)?;
        if !self.skip(b'=') {
            return Err(InvalidSubjectDn);
        }
        let value = match self.skip(b'#') {
            true => self.hex_string()?,
            false => AttributeValue::Text(self.string()?),
        };
        Ok(Attribute { oid, value })
    }

    /// `hexstring`: the DER of a value.
    fn hex_string(&mut self) -> Result<AttributeValue, InvalidSubjectDn> {
        let digits = self.take_while(|byte| byte.is_ascii_hexdigit());
        let pairs = digits.chunks(2).map(|pair| match *pair {
            [high, low] => hex_pair(high, low),
            _ => None,
        });
        let der = pairs.collect::<Option<Vec<u8>>>().ok_or(InvalidSubjectDn)?;
        match Any::from_der(&der) {
            Ok(([], value)) => Ok(AttributeValue::of(&value)),
            _ => Err(InvalidSubjectDn),
        }
    }

    /// `string`, up to what ends it.
    fn string(&mut self) -> Result<String, InvalidSubjectDn> {
        let mut octets = Vec::new();
        let mut ends_in_space = false;
        while let Some((&byte, rest)) = self.rest.split_first() {
            match byte {
                b',' | b'+' => break,
                b'\\' => {
                    self.rest = rest;
                    octets.push(self.pair()?);
                    ends_in_space = false;
                    continue;
                }
                0 | b'"' | b';' | b'<' | b'>' => return Err(InvalidSubjectDn),
                b' ' if octets.is_empty() => return Err(InvalidSubjectDn),
                _ => octets.push(byte),
            }
            ends_in_space = byte == b' ';
            self.rest = rest;
        }
        if ends_in_space {
            return Err(InvalidSubjectDn);
        }
        String::from_utf8(octets).map_err(|_| InvalidSubjectDn)
    }

    /// What stands behind a backslash: a special character, or an octet in hexadecimal.
    fn pair(&mut self) -> Result<u8, InvalidSubjectDn> {
        let (octet, rest) = match *self.rest {
            [special, ref rest @ ..] if b"\\\"+,;<> #=".contains(&special) => (special, rest),
            [high, low, ref rest @ ..] => (hex_pair(high, low).ok_or(InvalidSubjectDn)?, rest),
            _ => return Err(InvalidSubjectDn),
        };
        self.rest = rest;
        Ok(octet)
    }
}

/// The attributes of one step are a set.
fn sorted(mut step: Vec<Attribute>) -> Vec<Attribute> {
    step.sort_unstable();
    step
}

/// The type of this name, or `numericoid` itself.
fn oid(name: &str) -> Result<String, InvalidSubjectDn> {
    if let Some((_, oid)) = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        return Ok((*oid).to_owned());
    }
    let is_number = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    match name.contains('.') && name.split('.').all(is_number) {
        true => Ok(name.to_owned()),
        false => Err(InvalidSubjectDn),
    }
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? * 16 + digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> AttributeValue {
        AttributeValue::Text(value.to_owned())
    }

    fn steps(name: &str) -> Vec<Vec<(String, AttributeValue)>> {
        let DistinguishedName(steps) = SubjectDn::parse(name).unwrap().name;
        steps.into_iter().map(|step| step.into_iter().map(|a| (a.oid, a.value)).collect()).collect()
    }

    /// RFC 4514 section 4: the examples.
    #[test]
    fn the_examples_of_the_specification_read() {
        let domain = SubjectDn::parse("UID=jsmith,DC=example,DC=net").unwrap();
        assert_eq!(domain.name.0.len(), 3);
        let several = steps("OU=Sales+CN=J.  Smith,DC=example,DC=net");
        assert_eq!(
            several[0],
            [("2.5.4.11".to_owned(), text("Sales")), ("2.5.4.3".to_owned(), text("J.  Smith"))]
        );
        let quoted = steps(r#"CN=James \"Jim\" Smith\, III,DC=example,DC=net"#);
        assert_eq!(quoted[0][0].1, text(r#"James "Jim" Smith, III"#));
        assert_eq!(steps(r"CN=Before\0dAfter,DC=example,DC=net")[0][0].1, text("Before\rAfter"));
        let octets = steps("1.3.6.1.4.1.1466.0=#04024869");
        assert_eq!(octets, [[("1.3.6.1.4.1.1466.0".to_owned(), AttributeValue::Other(4, b"Hi".to_vec()))]]);
        assert_eq!(steps(r"CN=Lu\C4\8Di\C4\87")[0][0].1, text("Lu\u{10d}i\u{107}"));
    }

    #[test]
    fn one_name_in_several_spellings_is_one_name() {
        let read = |text: &str| SubjectDn::parse(text).unwrap().name;
        for (one, other) in [
            ("CN=a,O=b", "cn=a,o=b"),
            ("CN=a+O=b", "O=b+CN=a"),
            ("CN=a", "2.5.4.3=a"),
            ("CN=a", "CN=#0c0161"),
            ("CN=a", "CN=#130161"),
            ("CN=a\\2Cb", "CN=a\\,b"),
            ("CN=a=b", "CN=a\\=b"),
        ] {
            assert_eq!(read(one), read(other), "{one} {other}");
        }
        for (one, other) in
            [("CN=a", "CN=A"), ("CN=a,O=b", "O=b,CN=a"), ("CN=a  b", "CN=a b"), ("CN=a,O=b", "CN=a+O=b")]
        {
            assert_ne!(read(one), read(other), "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_name_does_not_read() {
        let long = format!("CN={}", "a".repeat(MAX_BYTES));
        for text in [
            "",
            "CN",
            "=a",
            "CN=a,",
            "CN=a, O=b",
            "CN =a",
            "CN= a",
            "CN=a ",
            "CN=a,,O=b",
            "CN=a+",
            "CN=a;O=b",
            "CN=\"a\"",
            "CN=a<b",
            "CN=a\0b",
            "CN=a\\",
            "CN=a\\x",
            "CN=a\\4",
            "CN=\\ff",
            "CN=#",
            "CN=#0",
            "CN=#0c",
            "CN=#0c0161ff",
            "CN=#0c0161 ",
            "nosuch=a",
            "2.5.04.3=a",
            "2..5=a",
            ".=a",
            "25=a",
            &long,
        ] {
            assert_eq!(SubjectDn::parse(text).err(), Some(InvalidSubjectDn), "{text:?}");
        }
        assert_eq!(steps("CN=")[0][0].1, text(""));
        assert_eq!(steps("CN=\\ a\\ ")[0][0].1, text(" a "));
    }

    #[test]
    fn a_name_is_written_as_it_was_registered() {
        let subject: SubjectDn = serde_json::from_str("\"cn=a,O=b\"").unwrap();
        assert_eq!(subject.as_str(), "cn=a,O=b");
        assert_eq!(serde_json::to_string(&subject).unwrap(), "\"cn=a,O=b\"");
        assert!(serde_json::from_str::<SubjectDn>("\"a\"").is_err());
    }
}
