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

/// A member of client metadata with a value that is one of its own, or another's.
fn member() -> impl Strategy<Value = (String, serde_json::Value)> {
    let names = prop::sample::select(
        &[
            "redirect_uris",
            "redirect_uris",
            "redirect_uris",
            "response_types",
            "grant_types",
            "scope",
            "client_name",
            "client_name#de",
            "logo_uri",
            "tos_uri#fr",
            "jwks",
            "jwks_uri",
            "token_endpoint_auth_method",
            "subject_type",
            "application_type",
            "id_token_signed_response_alg",
            "userinfo_signed_response_alg",
            "request_uris",
            "request_object_signing_alg",
            "require_signed_request_object",
            "post_logout_redirect_uris",
            "backchannel_logout_uri",
            "frontchannel_logout_uri",
            "default_max_age",
            "contacts",
            "software_id",
            "sector_identifier_uri",
            "settings",
        ][..],
    );
    let texts = prop::sample::select(
        &[
            "https://rp.example/cb",
            "http://127.0.0.1/cb",
            "com.example.app:/cb",
            "http://rp.example/",
            "code",
            "code id_token",
            "id_token",
            "none",
            "authorization_code",
            "implicit",
            "refresh_token",
            "client_credentials",
            "openid",
            "openid admin",
            "RS256",
            "ES256",
            "HS256",
            "pairwise",
            "public",
            "native",
            "web",
            "private_key_jwt",
            "client_secret_post",
            "\u{202e}",
            "",
        ][..],
    );
    let text = texts.prop_map(serde_json::Value::from);
    let value = prop_oneof![
        4 => text.clone(),
        4 => prop::collection::vec(text, 0..3).prop_map(serde_json::Value::from),
        1 => any::<bool>().prop_map(serde_json::Value::from),
        1 => any::<i64>().prop_map(serde_json::Value::from),
        1 => Just(serde_json::Value::Null),
        1 => Just(serde_json::json!({ "keys": [crate::testing::client_key().public_key().to_value()] })),
    ];
    (names.prop_map(str::to_owned), value)
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

    /// attack 234
    #[test]
    fn addresses_after_a_logout(data in near(&[
        "https://fuzz.example/out", "https://fuzz.example/q?a=1", "com.fuzz.app:/out", "http://127.0.0.1/out", ":8443",
        "evil.example", "@", "\\", "?", "&", "#", "%", "..", "/", "\n", "state", "\r", "\0", " ",
    ])) {
        post_logout(&data);
    }

    /// attack 213 by chance, and the attacks that it stands for: attack 206 to attack 211, attack 217
    #[test]
    fn registrations(members in prop::collection::vec(member(), 0..8)) {
        let members: serde_json::Map<_, _> = members.into_iter().collect();
        registration(serde_json::Value::Object(members).to_string().as_bytes());
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
