use proptest::prelude::*;

use super::*;

/// Inputs near the border of every rule that is fuzzed here, strung together from pieces.
fn near(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
        1 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// attack 324
    #[test]
    fn forms(data in near(&["a", "b", "=", "&", "%", "%00", "%ff", "%c3%a9", "%4", "+", "a=1", "&a=2&", "\u{e9}"])) {
        form(&data);
    }

    /// attack 2 to attack 15 by chance
    #[test]
    fn redirect_uris(data in near(&[
        "https://client.example", "http://127.0.0.1", "http://[::1]", "com.example.app:", "/cb", "\n", ":", ":80",
        ":443", "8080", "@", "\\", "?", "x=1", "&", "code=", "#", "%2e", "%", "..", ".", "/", "//", ";", "'", "*",
    ])) {
        redirect_uri(&data);
        let line = data.split(|b| *b == b'\n').next().unwrap_or_default();
        redirect_uri(&[line, b"\n", line].concat());
        redirect_uri(&[b"http://127.0.0.1:1", line, b"\nhttp://127.0.0.1:65535", line].concat());
    }

    /// attack 78, attack 207 by chance
    #[test]
    fn fetch_urls(data in near(&[
        "rp.example", "127.0.0.1", "0x7f", "2130706433", "[::1]", "[::ffff:127.0.0.1]", ".", ":", "8443", "443", "0",
        "@", "\\", "/", "//", "?", "#", "%2e", "%", "%31", "localhost", "xn--", "\u{3002}", "\u{ff11}", "'", ";",
    ])) {
        fetch_url(&data);
        fetch_url(&[b"https://", &data[..]].concat());
    }

    /// attack 42, attack 44
    #[test]
    fn scopes(data in near(&[
        "openid", "a", "b", " ", "\n", "\"", "\\", "\u{7f}", "https://rs.example/", "urn:", "#", "%41", "%", "/", ":",
    ])) {
        scope(&data);
        scope(&[b"a b\nb c\n", &data[..]].concat());
        scope(&[b"a b\nb c\nhttps://rs.example/", &data[..]].concat());
    }

    /// attack 85, attack 325
    #[test]
    fn authorization_headers(data in near(&[
        "Basic ", "Bearer ", "basic ", "YTpi", "YTpiYw==", "=", " ", ":", "a", "client", "%", "%41", "%zz", "%3A",
        "%00", "+", "/", "-._~", "!'()", "\u{e9}", "%c3%a9", ",",
    ])) {
        authorization(&data);
    }

    /// attack 30, attack 331
    #[test]
    fn outputs(data in near(&[
        "Bearer", "Basic", " ", "realm=", "\"", "\\", ",", "=", "a", "token68==", "\n", "\r\n", "\0", "<script>", "&",
        "%0d%0a", "'", "\t", "error=\"x\"", "\u{e9}", "Set-Cookie: x=1",
    ])) {
        output(&data);
    }
}
