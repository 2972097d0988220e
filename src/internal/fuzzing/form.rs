use url::form_urlencoded;

use crate::error::Reason;
use crate::types::{MAX_FORM_BYTES, MAX_PARAMS, Params};

/// A form, read by us and by the parser of the WHATWG.
///
/// What is accepted reads the same in both, survives being written again, and reports its doubled names. What is
/// refused is over a cap, has a broken escape, NUL, or bytes that are not UTF-8.
pub fn form(data: &[u8]) {
    let whatwg: Vec<(String, String)> = form_urlencoded::parse(data).into_owned().collect();
    let params = match Params::parse(data) {
        Ok(params) => params,
        Err(reason) => return refused(data, &whatwg, reason),
    };
    let ours: Vec<_> = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    assert_eq!(ours, whatwg, "another reading than the WHATWG's");
    assert!(data.len() <= MAX_FORM_BYTES && ours.len() <= MAX_PARAMS, "over a cap");
    let encoded = params.encode();
    if encoded.len() <= MAX_FORM_BYTES {
        assert_eq!(
            Params::parse(encoded.as_bytes()).as_ref(),
            Ok(&params),
            "not the same when written again"
        );
    }
    for (name, value) in &ours {
        let expected = match ours.iter().filter(|(other, _)| other == name).count() {
            1 => Ok(Some(value.as_str()).filter(|value| !value.is_empty())),
            _ => Err(Reason::ParameterRepeated),
        };
        assert_eq!(params.one(name), expected, "a doubled or empty parameter is read otherwise");
    }
}

fn refused(data: &[u8], whatwg: &[(String, String)], reason: Reason) {
    let broken_escape = data
        .split(|b| *b == b'%')
        .skip(1)
        .any(|tail| !tail.first_chunk::<2>().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)));
    let unreadable = |text: &String| text.contains(['\0', char::REPLACEMENT_CHARACTER]);
    let justified = match reason {
        Reason::BodyTooLarge => data.len() > MAX_FORM_BYTES,
        Reason::TooManyParameters => whatwg.len() > MAX_PARAMS,
        Reason::FormMalformed => {
            broken_escape || whatwg.iter().any(|(name, value)| unreadable(name) || unreadable(value))
        }
        _ => false,
    };
    assert!(justified, "a sound form is refused: {reason:?}");
}
