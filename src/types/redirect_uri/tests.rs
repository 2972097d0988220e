use proptest::prelude::*;
use url::{Position, Url};

use super::*;

fn registered(text: &str) -> RedirectUri {
    RedirectUri::register(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn what_clients_use_can_be_registered() {
    for text in [
        "https://client.example/cb",
        "https://client.example",
        "https://client.example/",
        "https://client.example:8443/cb",
        "https://client.example:443/cb",
        "https://client.example/cb?tenant=a&x=%20y",
        "https://client.example/cb?",
        "https://xn--bcher-kva.example/cb",
        "https://192.0.2.1/cb",
        "https://[2001:db8::1]/cb",
        "https://127.0.0.1/cb",
        "http://127.0.0.1/cb",
        "http://127.0.0.1:8080/cb",
        "http://[::1]/cb",
        "http://[::1]:8080",
        "http://localhost:3000/cb",
        "com.example.app:/cb",
        "com.example.app:/",
        "com.example.app://cb",
        "com.example.app:cb",
        "com.example.app:/cb?x=1",
    ] {
        let uri = registered(text);
        assert_eq!(uri.as_str(), text);
        assert!(uri.matches(text));
        assert_eq!(uri.matched(text), Some(uri));
    }
    let long = format!("https://client.example/{}", "a".repeat(MAX_REDIRECT_URI_BYTES - 23));
    assert_eq!(registered(&long).as_str().len(), MAX_REDIRECT_URI_BYTES);
}

/// attack 8, attack 9, attack 10, attack 11, attack 12, attack 13, attack 18: what cannot even be registered, and the
/// rule that says so.
#[test]
fn what_is_not_one_plain_absolute_uri_cannot_be_registered() {
    use InvalidRedirectUri as Is;
    let too_long = format!("https://client.example/{}", "a".repeat(MAX_REDIRECT_URI_BYTES - 22));
    for (text, why) in [
        // attack 8: user information
        ("https://0;x.client.example/cb", Is::NotAbsolute),
        ("https://0,x.client.example/cb", Is::NotAbsolute),
        ("https://0'x.client.example/cb", Is::NotAbsolute),
        ("https://client.example@evil.example/cb", Is::UserInformation),
        ("https://client.example:pw@evil.example", Is::UserInformation),
        ("https://@client.example/cb", Is::UserInformation),
        ("http://u@127.0.0.1:1/cb", Is::UserInformation),
        ("com.example.app://u@host/cb", Is::UserInformation),
        ("http://localhost:8090%25@evil.example/", Is::UserInformation),
        // attack 9: wildcards
        ("http://localhost:8090/*", Is::Reserved),
        ("https://*.client.example/cb", Is::Reserved),
        ("https://client.example/*/cb", Is::Reserved),
        ("https://client.example/cb?x=*", Is::Reserved),
        ("com.example.app:/*", Is::Reserved),
        // attack 10: read one way by RFC 3986 and another by browsers
        ("https://evil.example\\@client.example/cb", Is::Characters),
        ("https:\\\\client.example", Is::Characters),
        ("https:///client.example", Is::NotAbsolute),
        ("https:client.example/cb", Is::NotAbsolute),
        ("https:/client.example/cb", Is::NotAbsolute),
        ("https://client.example:/cb", Is::NotAbsolute),
        ("https://client.example:0443/cb", Is::NotAbsolute),
        ("https://client.example:0/cb", Is::NotAbsolute),
        ("https://client.example:99999/cb", Is::NotAbsolute),
        ("https://client.example:80:80/cb", Is::NotAbsolute),
        ("https://%63lient.example/cb", Is::NotAbsolute),
        ("https://client.example/cb?x='", Is::NotAbsolute),
        ("https://client.example/[cb]", Is::NotAbsolute),
        ("https://client.example/cb?x[]=1", Is::NotAbsolute),
        ("https://client.example /cb", Is::Characters),
        ("https://client.example/c\tb", Is::Characters),
        ("https://client.example/c\nb", Is::Characters),
        ("https://client.example/c\0b", Is::Characters),
        (" https://client.example/cb", Is::Characters),
        ("https://client.example/cb ", Is::Characters),
        ("https://client.example/%", Is::Characters),
        ("https://client.example/%2", Is::Characters),
        ("https://client.example/%zz", Is::Characters),
        ("https://client.example/<script>", Is::Characters),
        ("https://client.example/\"", Is::Characters),
        // Dot segments disappear in browsers, escaped ones too.
        ("https://client.example/cb/../open", Is::NotAbsolute),
        ("https://client.example/./cb", Is::NotAbsolute),
        ("https://client.example/cb/%2e%2e/open", Is::NotAbsolute),
        ("https://client.example/cb/.%2E/open", Is::NotAbsolute),
        ("com.example.app:/cb/../open", Is::NotAbsolute),
        // Spellings that are not the normal one
        ("HTTPS://client.example/cb", Is::NotAbsolute),
        ("https://Client.Example/cb", Is::NotAbsolute),
        ("Com.Example.App:/cb", Is::NotAbsolute),
        ("http://127.1/cb", Is::NotAbsolute),
        ("http://2130706433/cb", Is::NotAbsolute),
        ("http://0x7f.0.0.1/cb", Is::NotAbsolute),
        ("http://0177.0.0.1/cb", Is::NotAbsolute),
        ("http://[0:0::1]/cb", Is::NotAbsolute),
        ("http://[::ffff:127.0.0.1]/cb", Is::Scheme),
        ("https://[::ffff:127.0.0.1]/cb", Is::NotAbsolute),
        ("https://[::1%25lo]/cb", Is::NotAbsolute),
        // Look-alike hosts come as punycode, which shows what they are.
        ("https://cl\u{456}ent.example/cb", Is::Characters),
        ("https://client\u{3002}example/cb", Is::Characters),
        ("https://\u{ff43}lient.example/cb", Is::Characters),
        ("https://xn--zz/cb", Is::NotAbsolute),
        // attack 11: relative
        ("/cb", Is::NotAbsolute),
        ("/%09/example.com", Is::NotAbsolute),
        ("//example.com", Is::NotAbsolute),
        ("/\\example.com", Is::Characters),
        ("cb", Is::NotAbsolute),
        ("?x", Is::NotAbsolute),
        ("", Is::Characters),
        ("https:", Is::NotAbsolute),
        ("https://", Is::NotAbsolute),
        ("https://?x", Is::NotAbsolute),
        ("com.example.app:", Is::NotAbsolute),
        ("com.example.app://", Is::NotAbsolute),
        (&too_long, Is::Characters),
        // attack 12: fragments
        ("https://client.example/cb#frag", Is::Fragment),
        ("https://client.example/cb#", Is::Fragment),
        ("com.example.app:/cb#x", Is::Fragment),
        // attack 13: schemes, in any case
        ("javascript:alert(1)", Is::Scheme),
        ("JaVaScRiPt:alert(1)", Is::Scheme),
        ("data:text/html,x", Is::Scheme),
        ("DATA:text/html;base64,eA==", Is::Scheme),
        ("vbscript:x", Is::Scheme),
        ("file:///etc/passwd", Is::Scheme),
        ("blob:https://client.example/x", Is::Scheme),
        ("about:blank", Is::Scheme),
        ("ftp://client.example/cb", Is::Scheme),
        ("ws://client.example/cb", Is::Scheme),
        ("http://client.example/cb", Is::Scheme),
        ("http://127.0.0.1.evil.example/cb", Is::Scheme),
        ("http://localhost.evil.example/cb", Is::Scheme),
        ("http://10.0.0.1/cb", Is::Scheme),
        ("http://0.0.0.0/cb", Is::Scheme),
        ("myapp:/cb", Is::Scheme),
        ("myapp://cb.example", Is::Scheme),
        ("my..app:/cb", Is::Scheme),
        ("myapp.:/cb", Is::Scheme),
        // attack 18: parameters of the response
        ("https://client.example/cb?code=x", Is::Reserved),
        ("https://client.example/cb?a=1&state=y", Is::Reserved),
        ("https://client.example/cb?iss=z", Is::Reserved),
        ("https://client.example/cb?response=x", Is::Reserved),
        ("https://client.example/cb?error", Is::Reserved),
        ("https://client.example/cb?%63ode=x", Is::Reserved),
        ("https://client.example/cb?id_token=x", Is::Reserved),
        ("https://client.example/cb?access_token=", Is::Reserved),
        ("com.example.app:/cb?code=x", Is::Reserved),
        ("http://127.0.0.1/cb?session_state=x", Is::Reserved),
    ] {
        assert_eq!(RedirectUri::register(text), Err(why), "{text:?}");
        assert!(serde_json::from_value::<RedirectUri>(text.into()).is_err(), "{text:?}");
    }
}

/// attack 2 to attack 13 as they reach the authorization endpoint: attack 2, attack 3, attack 4, attack 5, attack 6,
/// attack 7, attack 8, attack 10, attack 11, attack 12, attack 13.
#[test]
fn nothing_but_the_same_bytes_matches() {
    let uri = registered("https://client.example/cb");
    for presented in [
        "https://client.example/cb/",
        "https://client.example/c",
        "https://client.example/cb?",
        "https://client.example/cb?x=1",
        "https://client.example/CB",
        "HTTPS://Client.Example/cb",
        "https://Client.example/cb",
        "https://client.example:443/cb",
        "https://client.example:8443/cb",
        "https://client.example./cb",
        "https://client.example/cb/../open?next=https://evil",
        "https://client.example/cb/..;/x",
        "https://client.example/cb/%2e%2e%3b/",
        "https://client.example/cb%2f..%2fx",
        "https://client.example/cb%252f..%252fx",
        "https://client.example/%63b",
        "https://client.example@evil.example/cb",
        "https://client.example:pw@evil.example",
        "https://evil.example\\@client.example/cb",
        "https:\\\\client.example/cb",
        "https:///client.example/cb",
        "https:client.example/cb",
        "/%09/example.com",
        "//client.example/cb",
        "/\\client.example/cb",
        "https://client.example/cb#frag",
        "https://client.example/cb#",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        " https://client.example/cb",
        "https://client.example/cb ",
        "https://client.example/cb\n",
        "https://client.example/cb\0",
        "http://client.example/cb",
        "https://client.example.evil.example/cb",
        "https://evil.example/cb",
        "",
    ] {
        assert!(!uri.matches(presented), "{presented:?}");
        assert_eq!(uri.matched(presented), None, "{presented:?}");
    }
}

/// attack 14: the port of a loopback literal may be another one.
#[test]
fn a_loopback_literal_matches_on_any_port() {
    for (uri, presented) in [
        ("http://127.0.0.1/cb", "http://127.0.0.1:53123/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1/cb"),
        ("http://127.0.0.1:8080/cb?x=1", "http://127.0.0.1:65535/cb?x=1"),
        ("http://[::1]/cb", "http://[::1]:1/cb"),
        ("http://127.0.0.1", "http://127.0.0.1:53123"),
    ] {
        let matched = registered(uri).matched(presented).unwrap();
        assert_eq!(matched.as_str(), presented);
        assert!(matched.is_native());
    }
}

/// attack 15, attack 9: nothing but the port of such a literal may vary.
#[test]
fn a_loopback_literal_matches_nothing_else() {
    for (uri, presented) in [
        ("https://127.0.0.1/cb", "http://127.0.0.1/cb"),
        ("https://127.0.0.1/cb", "https://127.0.0.1:53123/cb"),
        ("http://127.0.0.1/cb", "https://127.0.0.1:53123/cb"),
        ("http://127.0.0.1/cb", "http://u@127.0.0.1:1/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:1@evil.example/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb"),
        ("http://127.0.0.1/cb", "http://127.1/cb"),
        ("http://127.0.0.1/cb", "http://[::1]/cb"),
        ("http://127.0.0.1/cb", "http://[::ffff:127.0.0.1]/cb"),
        ("http://127.0.0.1/cb", "http://localhost/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.2/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:080/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:65536/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:+80/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:1:2/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:1\\@evil.example/cb"),
        ("http://127.0.0.1/cb", "HTTP://127.0.0.1:1/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:1/cb/"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:1/CB"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:1/cb#x"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:1/cb?x"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:1/a/../cb"),
        ("http://127.0.0.2/cb", "http://127.0.0.2:1/cb"),
        ("http://localhost/cb", "http://localhost:1/cb"),
        ("http://localhost:8090/cb", "http://localhost:8090%25@evil.example/cb"),
    ] {
        assert!(!registered(uri).matches(presented), "{uri} {presented}");
    }
}

#[test]
fn only_https_to_a_real_host_tells_the_client() {
    for (text, native, origin) in [
        ("https://client.example:8443/cb", false, Some("https://client.example:8443")),
        ("https://client.example:443/cb", false, Some("https://client.example")),
        ("https://localhost/cb", true, Some("https://localhost")),
        ("http://127.0.0.1:8080/cb", true, Some("http://127.0.0.1:8080")),
        ("com.example.app:/cb", true, None),
    ] {
        let uri = registered(text);
        assert_eq!((uri.is_native(), uri.origin().as_deref()), (native, origin), "{text}");
    }
}

/// Pieces that parsers disagree on.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "https:",
        "http:",
        "//",
        "/",
        "client.example",
        "127.0.0.1",
        "[::1]",
        "localhost",
        ":",
        ":80",
        ":443",
        ":8080",
        ":0",
        "@",
        "\\",
        "?",
        "#",
        "%2e",
        "%2f",
        "%",
        "..",
        ".",
        ";",
        "/cb",
        "x=1",
        "&",
        "code=",
        "*",
        "[",
        "]",
        "'",
        "A",
        "\t",
        " ",
        "\u{e9}",
        "com.example.app:",
        "javascript:",
    ])
}

/// A sound beginning with pieces behind it: about half of these can be registered.
fn near_uri() -> impl Strategy<Value = String> {
    let base = prop::sample::select(vec![
        "https://client.example",
        "https://client.example/cb",
        "https://[2001:db8::1]",
        "http://127.0.0.1",
        "http://127.0.0.1:8080/cb",
        "http://[::1]:8080/cb",
        "http://localhost/cb",
        "com.example.app:/cb",
        "",
    ]);
    (base, prop::collection::vec(piece(), 0..4))
        .prop_map(|(base, pieces)| format!("{base}{}", pieces.concat()))
}

/// A text, and the same with a piece put in at some place instead of some bytes.
fn near_pair() -> impl Strategy<Value = (String, String)> {
    (near_uri(), any::<prop::sample::Index>(), 0..4_usize, piece()).prop_map(|(uri, at, removed, piece)| {
        let chars: Vec<char> = uri.chars().collect();
        let at = at.index(chars.len() + 1);
        let tail = chars.iter().skip(at + removed);
        let presented = chars.iter().take(at).copied().chain(piece.chars()).chain(tail.copied()).collect();
        (uri, presented)
    })
}

proptest! {
    /// Property 8: whatever matches leads a browser to the scheme, host and path that are registered, and to the
    /// same port unless it is a loopback literal.
    #[test]
    fn a_match_never_leads_elsewhere((uri, presented) in near_pair()) {
        let Ok(uri) = RedirectUri::register(&uri) else { return Ok(()) };
        if let Some(matched) = uri.matched(&presented) {
            let (a, b) = (Url::parse(uri.as_str()).unwrap(), Url::parse(matched.as_str()).unwrap());
            prop_assert_eq!((a.scheme(), a.host()), (b.scheme(), b.host()));
            prop_assert_eq!(&a[Position::BeforePath..], &b[Position::BeforePath..]);
            prop_assert!(a.port() == b.port() || (a.scheme() == "http" && is_loopback(&a)));
            prop_assert_eq!(RedirectUri::register(matched.as_str()), Ok(matched));
        }
    }

    /// What is registered is what a browser reads, down to the byte.
    #[test]
    fn what_is_registered_reads_the_same_in_a_browser(text in near_uri()) {
        let Ok(uri) = RedirectUri::register(&text) else { return Ok(()) };
        let url = Url::parse(&text).unwrap();
        prop_assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
        let tail = &url[Position::BeforePath..];
        prop_assert!(text.ends_with(tail) || text.ends_with(&tail[1..]), "{}", text);
        if uri.origin().is_some() {
            let front = format!("{}://{}", url.scheme(), url.host_str().unwrap());
            prop_assert!(text.starts_with(&front), "{}", text);
        }
    }
}
