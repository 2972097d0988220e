//! Secrets that a test knows, and where they are found again: as they are, or in any of the usual encodings.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// Bytes of a secret that are a leak by themselves: a part of a token is one, a word of its prefix is none.
const WINDOW: usize = 16;

/// Secrets, to look for.
#[derive(Debug, Default)]
pub(crate) struct Taint(BTreeMap<[u8; WINDOW], String>);

impl Taint {
    /// Notes a secret, under the name by which it is reported.
    pub(crate) fn add(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= WINDOW, "{name} is too short to be looked for");
        for form in forms(secret) {
            for window in form.as_bytes().windows(WINDOW) {
                let window = window.try_into().unwrap();
                self.0.entry(window).or_insert_with(|| name.to_owned());
            }
        }
    }

    /// The name of the first secret of which a part stands in `output`, and the place.
    pub(crate) fn found_in(&self, output: &[u8]) -> Option<(&str, String)> {
        let mut windows = output.windows(WINDOW).enumerate();
        windows.find_map(|(at, window)| {
            let name = self.0.get(window)?;
            let around = &output[at.saturating_sub(80)..(at + 40).min(output.len())];
            Some((name.as_str(), String::from_utf8_lossy(around).into_owned()))
        })
    }
}

/// A text in every encoding in which it could stand somewhere, and also where it is the middle of what was encoded.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let percent = |plain: &[u8], case: fn(u8) -> String| -> String {
        let plain = |b: u8| b.is_ascii_alphanumeric() || plain.contains(&b);
        bytes.iter().map(|b| if plain(*b) { char::from(*b).to_string() } else { case(*b) }).collect()
    };
    let (upper, lower) = (|b| format!("%{b:02X}"), |b| format!("%{b:02x}"));
    let mut forms = vec![
        secret.to_owned(),
        percent(b"*-._", upper),
        percent(b"*-._", lower),
        percent(b"-._~", upper),
        percent(b"-._~", lower),
        percent(b"-._~!$&'()*+,;=:@/?", upper),
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
        format!("{:?}", bytes),
        BASE64_STANDARD.encode(secret),
        BASE64_URL_SAFE_NO_PAD.encode(secret),
    ];
    for whole in (0..3).filter_map(|shift| bytes.get(shift..)) {
        let whole = &whole[..whole.len() / 3 * 3];
        forms.push(BASE64_STANDARD_NO_PAD.encode(whole));
        forms.push(BASE64_URL_SAFE_NO_PAD.encode(whole));
    }
    forms
}

/// The checker finds what it is there to find.
#[test]
fn a_secret_is_found_in_every_encoding_and_in_part() {
    let secret = "mk7~S3cret/Value+With=Chars&7";
    let mut taint = Taint::default();
    taint.add("the marker", secret);
    let basic = |before: &str| BASE64_STANDARD.encode(format!("{before}:{secret}"));
    let rows = [
        format!("secret={secret}"),
        format!("a prefix: {}...", &secret[..WINDOW]),
        "https://op.example/?q=mk7%7ES3cret%2FValue%2BWith%3DChars%267&x=1".to_owned(),
        "https://op.example/?q=mk7~S3cret%2fValue%2bWith%3dChars%267".to_owned(),
        format!("Basic {}", basic("a")),
        format!("Basic {}", basic("ab")),
        format!("Basic {}", basic("abc")),
        BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"jti":"{secret}"}}"#)),
        format!("{:?}", secret.as_bytes()),
        format!("{:?}", bytes::Bytes::from(secret)),
        format!("{:?}", Some(secret)),
    ];
    for row in rows {
        assert!(taint.found_in(row.as_bytes()).is_some_and(|(name, _)| name == "the marker"), "{row}");
    }
    for row in ["secret=Secret(..)", &secret[..WINDOW - 1], ""] {
        assert_eq!(taint.found_in(row.as_bytes()), None);
    }
}
