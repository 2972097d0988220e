use http::HeaderValue;
use url::form_urlencoded;

use super::texts;
use crate::error::plain_text;
use crate::types::{Params, RedirectUri};
use crate::wire::challenge::{self, Challenge};
use crate::wire::location::{append_fragment, append_query};
use crate::wire::{Response, reply};

/// Texts on their way out, on three lines: a realm or description, the name and the value of a parameter. And the
/// whole input as a `WWW-Authenticate` header that somebody else sent.
///
/// No header holds CR, LF, NUL or a quote that does not belong to it; what is written reads back as the same.
pub fn output(data: &[u8]) {
    let [text, name, value] = texts(data);
    check_plain(&text);
    check_challenge(&text);
    check_redirects(&name, &value);
    check_page(&name, &value);
    check_line(&reply::redirect(&text), "location");
    if let Ok(header) = HeaderValue::from_bytes(data) {
        for challenge in challenge::parse(&header).unwrap_or_default() {
            let written = challenge.header_value();
            let read = challenge::parse(&written).expect("what we write can be read");
            let again: Vec<_> = read.iter().map(Challenge::header_value).collect();
            assert_eq!(again, [written], "not the same when written again");
        }
    }
}

fn check_plain(text: &str) {
    let plain = plain_text(text);
    assert!(plain.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
    assert_eq!(plain.chars().count(), text.chars().count(), "a character is lost");
    let json = format!(r#"{{"error_description":"{plain}"}}"#);
    let read: serde_json::Value = serde_json::from_str(&json).expect("plain text needs no escapes");
    assert_eq!(read.get("error_description").and_then(|text| text.as_str()), Some(&*plain));
}

fn check_challenge(realm: &str) {
    let header = Challenge::bearer(realm).header_value();
    assert!(header.as_bytes().iter().all(|b| (0x20..0x7f).contains(b)), "a byte that ends the line");
    assert_eq!(header.as_bytes().iter().filter(|b| **b == b'"').count(), 2, "a quote inside the quotes");
    if let Some(read) = challenge::parse(&header) {
        let realms: Vec<_> = read.iter().map(|challenge| challenge.parameter("realm")).collect();
        assert_eq!(realms, [Some(&*plain_text(realm))], "another realm");
    }
}

fn check_redirects(name: &str, value: &str) {
    let uri = RedirectUri::register("https://client.example/cb?x=1").expect("a plain https URI is sound");
    let params = Params::from_pairs([(name, value), ("state", value)]);
    let query = append_query(&uri, &params);
    let fragment = append_fragment(&uri, &params);
    for (target, separator) in [(&query, '&'), (&fragment, '#')] {
        let response = reply::redirect(target);
        check_line(&response, "location");
        let location = response.headers().get("location").and_then(|location| location.to_str().ok());
        assert_eq!(location, Some(target.as_str()), "the target was changed");
        let prefix = format!("{}{separator}", uri.as_str());
        let added = target.strip_prefix(&prefix).expect("the registered URI stands first, byte for byte");
        let read = form_urlencoded::parse(added.as_bytes()).into_owned().collect::<Vec<(String, String)>>();
        assert_eq!(Params::from_pairs(read), params, "other parameters arrive");
    }
}

fn check_page(name: &str, value: &str) {
    let uri = RedirectUri::register("https://client.example/cb").expect("a plain https URI is sound");
    let page = |params: &Params| {
        let page = reply::form_post_page(&uri, params);
        ["<", ">", "\""].map(|mark| String::from_utf8_lossy(page.body()).matches(mark).count())
    };
    let [less, more, quotes] = page(&Params::default());
    let with_field = page(&Params::from_pairs([(name, value)]));
    assert_eq!(with_field, [less + 1, more + 1, quotes + 6], "a value became markup");
}

fn check_line(response: &Response, name: &str) {
    for value in response.headers().get_all(name) {
        assert!(value.as_bytes().iter().all(|b| b.is_ascii_graphic() && *b != b'"'), "not one line of a URI");
    }
}
