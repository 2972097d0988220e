use bytes::Bytes;

use super::*;
use crate::wire::Request;

fn head(headers: &[(HeaderName, &[u8])]) -> Result<RequestHead, Reason> {
    let mut request = Request::new(Bytes::new());
    for (name, value) in headers {
        request.headers_mut().append(name, HeaderValue::from_bytes(value).unwrap());
    }
    RequestHead::read(&request)
}

fn authorized(value: &str) -> Result<Option<Authorization>, Reason> {
    head(&[(AUTHORIZATION, value.as_bytes())]).map(|head| head.authorization)
}

/// What `Basic` credentials of these decoded bytes are read as.
fn credentials(bytes: &[u8]) -> Option<(String, String)> {
    match authorized(&format!("Basic {}", BASE64_STANDARD.encode(bytes))).unwrap() {
        Some(Authorization::Basic(basic)) => Some((basic.client_id, basic.secret.expose().to_owned())),
        Some(Authorization::BasicMalformed) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_without_the_headers_has_none_of_them() {
    let head = head(&[]).unwrap();
    assert_eq!((head.authorization, head.origin), (None, None));
}

#[test]
fn the_scheme_is_read_in_any_case() {
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let expected = Authorization::Bearer(Secret::new("vs_at_abc-._~+/="));
        assert_eq!(authorized(&format!("{scheme} vs_at_abc-._~+/=")), Ok(Some(expected)));
    }
    for scheme in ["Basic", "basic", "BASIC"] {
        assert!(matches!(authorized(&format!("{scheme} YTpi")), Ok(Some(Authorization::Basic(_)))));
    }
    for scheme in ["DPoP", "dpop", "DPOP"] {
        let expected = Authorization::Dpop(Secret::new("vs_at_abc"));
        assert_eq!(authorized(&format!("{scheme} vs_at_abc")), Ok(Some(expected)));
    }
    for other in ["Negotiate YTpi", "Basically YTpi", "Bearers abc"] {
        assert_eq!(authorized(other), Ok(Some(Authorization::Other)), "{other}");
    }
}

/// attack 168: two proofs are told from one, and what can be none is not taken for one.
#[test]
fn a_proof_stands_alone_in_its_header() {
    let proof = |values: &[&[u8]]| {
        let headers: Vec<_> = values.iter().map(|value| (DPOP, *value)).collect();
        head(&headers).unwrap().dpop
    };
    let one = |text: &str| Some(DpopHeader::Proof(Secret::new(text)));
    assert_eq!(proof(&[]), None);
    assert_eq!(proof(&[b"a.b.c"]), one("a.b.c"));
    assert_eq!(proof(&[b"a.b.c", b"a.b.c"]), Some(DpopHeader::Repeated));
    assert_eq!(proof(&[b"", b""]), Some(DpopHeader::Repeated));
    assert_eq!(proof(&[b""]), one(""));
    assert_eq!(proof(&["\u{e9}".as_bytes()]), one(""));
    assert_eq!(proof(&["a".repeat(MAX_AUTHORIZATION_BYTES).as_bytes()]), one(&"a".repeat(16_384)));
    assert_eq!(proof(&["a".repeat(MAX_AUTHORIZATION_BYTES + 1).as_bytes()]), one(""));
}

/// attack 325, attack 270: too large, repeated, joined, tabbed, empty or not ASCII.
#[test]
fn an_ambiguous_authorization_header_is_refused() {
    let malformed = Err(Reason::AuthorizationHeaderMalformed);
    for value in [
        "Bearer",
        "Bearer ",
        "Bearer abc def",
        "Bearer abc,def",
        "Bearer abc, Bearer def",
        "Bearer =",
        "Bearer a=b",
        "Bearer \"abc\"",
        "Bearer abc\tdef",
        "DPoP",
        "DPoP abc def",
    ] {
        assert_eq!(authorized(value), malformed, "{value:?}");
    }
    assert_eq!(authorized("Bearer\tabc"), Ok(Some(Authorization::Other)));
    assert_eq!(authorized(&format!("Bearer {}", "a".repeat(1 << 20))), malformed);
    assert_eq!(authorized(&format!("Bearer {}", "a".repeat(MAX_AUTHORIZATION_BYTES - 6))), malformed);
    assert!(authorized(&format!("Bearer {}", "a".repeat(MAX_AUTHORIZATION_BYTES - 7))).is_ok());
    assert_eq!(head(&[(AUTHORIZATION, b"Bearer \xff")]).unwrap_err(), Reason::AuthorizationHeaderMalformed);
    let twenty = vec![(AUTHORIZATION, &b"Bearer abc"[..]); 20];
    assert_eq!(head(&twenty).unwrap_err(), Reason::AuthorizationHeaderMalformed);
}

/// attack 85: the form-urlencoded reading is the one; a literal is taken only where no encoder could have written it.
#[test]
fn basic_credentials_are_decoded_as_the_specification_says() {
    for (bytes, id, secret) in [
        (&b"client:secret"[..], "client", "secret"),
        (b"client:", "client", ""),
        (b"client:a:b", "client", "a:b"),
        (b"a%3Ab:c%3Ad", "a:b", "c:d"),
        (b"a+b:c+d", "a b", "c d"),
        (b"https%3A%2F%2Frp.example:s%C3%A9", "https://rp.example", "s\u{e9}"),
        // No encoder leaves these as they are: what was sent is the registered form.
        (b"a:b%zz", "a", "b%zz"),
        (b"a:50%", "a", "50%"),
        (b"a:b%ff", "a", "b%ff"),
        (b"a:q+/w==", "a", "q+/w=="),
        (b"a%00:b", "a%00", "b"),
        (b"a:b%0A", "a", "b%0A"),
        (b"a+b:%zz", "a+b", "%zz"),
        (b"a%41:%zz", "a%41", "%zz"),
        ("client:s\u{e9}+".as_bytes(), "client", "s\u{e9}+"),
    ] {
        assert_eq!(credentials(bytes), Some((id.to_owned(), secret.to_owned())), "{bytes:?}");
    }
}

/// attack 85: what cannot be read is a value, so that the endpoint decides, and never a panic.
#[test]
fn broken_basic_credentials_are_malformed() {
    let undecodable = [&b""[..], b":", b":secret", b"client", b"\xff:secret", b"client:\xff"];
    for bytes in undecodable.into_iter().chain([&b"a\0:b"[..], b"a:b\n", b"a:b\x7f", b"a\xc2\x85:b"]) {
        assert_eq!(credentials(bytes), None, "{bytes:?}");
    }
    for value in
        ["Basic", "Basic ", "Basic !!", "Basic YTpi=", "Basic YTo", "Basic YTpiYw", "Basic YTpi YTpi"]
    {
        assert_eq!(authorized(value), Ok(Some(Authorization::BasicMalformed)), "{value}");
    }
    // Bits that the bytes do not fill, the other alphabet, and white space.
    for value in ["Basic YTp=", "Basic YTr-", "Basic YT\tpi", "Basic YTpi,YTpi"] {
        assert_eq!(authorized(value), Ok(Some(Authorization::BasicMalformed)), "{value}");
    }
    assert_eq!(
        authorized(&format!("Basic {}", "YTpi".repeat(1 << 18))),
        Err(Reason::AuthorizationHeaderMalformed)
    );
}

#[test]
fn nothing_secret_is_printed() {
    let head = head(&[(AUTHORIZATION, b"Basic YTpzM2NyZXQ="), (COOKIE, b"a=s3cret")]).unwrap();
    let printed = format!("{head:?}");
    assert!(!printed.contains("s3cret") && !printed.contains("YTpz"), "{printed}");
    assert_eq!(head.cookie("a"), Some("s3cret"));
}

#[test]
fn cookies_are_found_in_one_header_or_in_many() {
    let head = head(&[(COOKIE, b"a=1; __Host-x=abc; b=2"), (COOKIE, b"c=x=y;d=")]).unwrap();
    for (name, value) in [("a", "1"), ("__Host-x", "abc"), ("b", "2"), ("c", "x=y"), ("d", "")] {
        assert_eq!(head.cookie(name), Some(value), "{name}");
    }
    assert_eq!(head.cookie("x"), None);
    assert_eq!(head.cookie(""), None);
}

/// attack 276: only the exact bytes of the name count, and two cookies of one name are none.
#[test]
fn a_tossed_cookie_does_not_pass_for_ours() {
    for cookies in [
        "__Host-x=a; __Host-x=b",
        "__Host-x=a; __Host-x=a",
        "__host-x=a",
        "\u{2000}__Host-x=a",
        "\u{a0}__Host-x=a",
        "=__Host-x=a",
        "__Host-x =a",
        "\t__Host-x=a",
        "__Host-x",
        "__Host-xx=a",
        "y__Host-x=a",
        "__Host-%78=a",
        "\"__Host-x\"=a",
        "$Version=1, __Host-x=a",
    ] {
        let head = head(&[(COOKIE, cookies.as_bytes())]).unwrap();
        assert_eq!(head.cookie("__Host-x"), None, "{cookies:?}");
    }
    let two = head(&[(COOKIE, b"__Host-x=a"), (COOKIE, b"__Host-x=b")]).unwrap();
    assert_eq!(two.cookie("__Host-x"), None);
    let quoted = head(&[(COOKIE, b"$Version=1; __Host-x=\"a\"")]).unwrap();
    assert_eq!(quoted.cookie("__Host-x"), Some("\"a\""));
}

/// attack 278: many cookies, strange bytes and empty headers are read without harm, and beyond the cap not at all.
#[test]
fn a_strange_cookie_header_hides_nothing_and_breaks_nothing() {
    let many = format!("{}; __Host-x=a", "c=1; ".repeat(5000));
    assert_eq!(head(&[(COOKIE, many.as_bytes())]).unwrap().cookie("__Host-x"), Some("a"));
    for header in [&b""[..], b";", b";;;=;", b"\xff\xfe=\xff"] {
        let head = head(&[(COOKIE, header), (COOKIE, b"__Host-x=a")]).unwrap();
        assert_eq!(head.cookie("__Host-x"), Some("a"), "{header:?}");
    }
    assert_eq!(head(&[(COOKIE, b"__Host-x=\xff")]).unwrap().cookie("__Host-x"), None);
    let huge = format!("{}; __Host-x=a", "c".repeat(MAX_COOKIE_BYTES));
    assert_eq!(head(&[(COOKIE, huge.as_bytes())]).unwrap().cookie("__Host-x"), None);
}

#[test]
fn a_doubled_origin_is_none() {
    let once = head(&[(ORIGIN, b"https://a.example")]).unwrap();
    assert_eq!(once.origin.as_deref(), Some("https://a.example"));
    let twice = head(&[(ORIGIN, b"https://a.example"), (ORIGIN, b"https://a.example")]).unwrap();
    assert_eq!(twice.origin, None);
}
