use std::fs;
use std::path::Path;

use super::*;
use crate::error::ErrorCode;

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn a_json_answer_is_never_stored() {
    let response = json(StatusCode::OK, &serde_json::json!({"active": false}));
    assert_eq!(response.status(), 200);
    assert_eq!(&response.body()[..], br#"{"active":false}"#);
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    assert_eq!(header(&response, "pragma"), Some("no-cache"));
    let unwritable = std::collections::HashMap::from([(vec![1], 1)]);
    assert_eq!(json(StatusCode::OK, &unwritable).status(), 500);
}

/// attack 106, attack 331: every refusal is sound JSON of the code and the fixed text, and nothing else.
#[test]
fn every_refusal_is_the_body_of_rfc_6749_section_5_2() {
    let custom = Reason::Custom(ErrorCode::InvalidRequest, "a\"b\\c\r\n\u{e9}");
    for reason in Reason::ALL.iter().copied().chain([custom]) {
        let response = error_json(reason);
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        let expected = serde_json::json!({
            "error": reason.wire().0.as_str(), "error_description": reason.description()
        });
        assert_eq!(body, expected, "{reason:?}");
        assert_eq!(header(&response, "cache-control"), Some("no-store"), "{reason:?}");
        let waits = matches!(response.status().as_u16(), 429 | 503);
        assert_eq!(header(&response, "retry-after"), waits.then_some("1"), "{reason:?}");
    }
    assert_eq!(header(&error_json(custom), "content-type"), Some("application/json"));
}

#[test]
fn each_kind_of_refusal_has_its_status() {
    for (reason, status) in [
        (Reason::NotFound, 404),
        (Reason::MethodNotAllowed, 405),
        (Reason::BodyTooLarge, 413),
        (Reason::ContentEncodingUnsupported, 415),
        (Reason::ContentTypeUnsupported, 400),
        (Reason::ParameterInQuery, 400),
        (Reason::RateLimited, 429),
        (Reason::StoreUnavailable, 503),
        (Reason::InternalFault, 500),
        (Reason::ClientSecretWrong, 401),
        (Reason::ClientUnknown, 401),
        (Reason::CodeExpired, 400),
        (Reason::AccessTokenInvalid, 401),
        (Reason::AccessTokenScope, 403),
        (Reason::Custom(ErrorCode::InvalidScope, "x"), 400),
    ] {
        assert_eq!(error_json(reason).status(), status, "{reason:?}");
    }
    assert_eq!(header(&error_json(Reason::MethodNotAllowed), "allow"), Some("POST"));
    assert_eq!(header(&method_not_allowed("GET, HEAD"), "allow"), Some("GET, HEAD"));
}

#[test]
fn a_wait_is_at_least_one_whole_second() {
    let mut response = error_json(Reason::RateLimited);
    for (wait, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (60_000, "60")] {
        retry_after(&mut response, Duration::from_millis(wait));
        assert_eq!(header(&response, "retry-after"), Some(seconds), "{wait}");
    }
    retry_after(&mut response, Duration::MAX);
    assert!(header(&response, "retry-after").is_some());
}

/// attack 46: 303 and nothing else, without a body, a cache or a `Referer`.
#[test]
fn a_redirect_turns_a_post_into_a_get() {
    let response = redirect("https://c.example/cb?code=x");
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(header(&response, "location"), Some("https://c.example/cb?code=x"));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    assert_eq!(header(&response, "referrer-policy"), Some("no-referrer"));
    assert!(response.body().is_empty());
}

/// attack 46: nothing in the crate names another redirect.
#[test]
fn no_redirect_that_repeats_a_post_is_named() {
    let others = ["TEMPORARY", "PERMANENT"].map(|kind| format!("{kind}_REDIRECT"));
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let source = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            assert!(!others.iter().any(|other| source.contains(other)), "{}", path.display());
        }
    }
}

/// attack 30, attack 331: what is no URI character never reaches the header as it is.
#[test]
fn a_redirect_is_one_header_line() {
    let response = redirect("https://c.example/\r\nSet-Cookie: x=1\0\u{e9}\"<>\\%41");
    let expected = "https://c.example/%0D%0ASet-Cookie:%20x=1%00%C3%A9%22%3C%3E%5C%41";
    assert_eq!(header(&response, "location"), Some(expected));
    assert_eq!(response.headers().get("set-cookie"), None);
}

fn ask(method: Method, if_none_match: &[&str]) -> Response {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method;
    for tag in if_none_match {
        request.headers_mut().append(IF_NONE_MATCH, tag.parse().unwrap());
    }
    Document::new("application/json", "public, max-age=300", "{}").answer(&request)
}

/// attack 328: HEAD is GET without the body, everything else is 405.
#[test]
fn a_document_answers_get_and_head() {
    let get = ask(Method::GET, &[]);
    assert_eq!((get.status(), &get.body()[..]), (StatusCode::OK, &b"{}"[..]));
    assert_eq!(header(&get, "cache-control"), Some("public, max-age=300"));
    let head = ask(Method::HEAD, &[]);
    assert_eq!((head.status(), head.body().len()), (StatusCode::OK, 0));
    assert_eq!(header(&head, "content-length"), Some("2"));
    assert_eq!(header(&head, "etag"), header(&get, "etag"));
    for method in [Method::POST, Method::OPTIONS, Method::TRACE, Method::DELETE] {
        let refused = ask(method, &[]);
        assert_eq!((refused.status().as_u16(), header(&refused, "allow")), (405, Some("GET, HEAD")));
    }
}

#[test]
fn a_document_that_is_known_is_not_sent_again() {
    let get = ask(Method::GET, &[]);
    let tag = header(&get, "etag").unwrap();
    for tags in [vec![tag], vec!["\"x\"", tag], vec!["*"], vec![&format!("\"x\" ,W/{tag}")]] {
        let known = ask(Method::GET, &tags);
        assert_eq!((known.status().as_u16(), known.body().len()), (304, 0), "{tags:?}");
        assert_eq!(header(&known, "etag"), Some(tag));
        assert_eq!(header(&known, "cache-control"), Some("public, max-age=300"));
    }
    for tags in [vec!["\"x\""], vec![tag.trim_matches('"')], vec![""]] {
        assert_eq!(ask(Method::GET, &tags).status(), 200, "{tags:?}");
    }
}
