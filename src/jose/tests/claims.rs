//! Claims and the one function that checks them.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::{ClaimsError, ClaimsSet, Expected, NotATime};
use super::NOW;
use crate::clock::Timestamp;

const ISSUER: &str = "https://op.example";

fn claims(text: &str) -> ClaimsSet {
    ClaimsSet::parse(text.as_bytes()).unwrap()
}

/// The claims of a token that nothing is wrong with, and `changes` to them.
fn checked(expected: &Expected, changes: Value) -> Result<(), ClaimsError> {
    let mut all = json!({"iss": ISSUER, "aud": "client", "exp": NOW + 60, "iat": NOW, "nbf": NOW});
    let Value::Object(changes) = changes else { unreachable!("changes are an object") };
    for (name, value) in changes {
        if value == "absent" {
            all.as_object_mut().unwrap().remove(&name);
        } else {
            all[&name] = value;
        }
    }
    ClaimsSet::parse(all.to_string().as_bytes())?.check(expected, Timestamp::from_unix(NOW))
}

fn expected() -> Expected {
    Expected::new(ISSUER).with_audience(["client"])
}

/// attack 147: F14, as far as claims go. And the caps.
#[test]
fn claims_are_one_bounded_object() {
    let deep = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert!(ClaimsSet::parse(deep(16).as_bytes()).is_ok());
    let long = format!(r#"{{"a":"{}"}}"#, "a".repeat(16 * 1024));
    for text in [
        r#"{"sub":"a","sub":"b"}"#,
        r#"{"a":{"b":1,"b":1}}"#,
        &deep(17),
        &long,
        "",
        "[]",
        "null",
        "\"x\"",
        "{} x",
        "\u{feff}{}",
    ] {
        assert_eq!(
            ClaimsSet::parse(text.as_bytes()),
            Err(ClaimsError::Malformed),
            "{}",
            &text[..text.len().min(40)]
        );
    }
    assert_eq!(ClaimsSet::parse(b"{\"a\":\"\xff\"}"), Err(ClaimsError::Malformed));
}

/// attack 159: F7, F8, F26.
#[test]
fn times_are_whole_seconds_from_0_to_2_to_the_53() {
    let time = |number: &str| claims(&format!(r#"{{"exp":{number}}}"#)).time("exp");
    let at = |seconds| Ok(Some(Timestamp::from_unix(seconds)));
    assert_eq!(time("0"), at(0));
    assert_eq!(time("1.5"), at(1));
    assert_eq!(time("1.9999999"), at(1));
    assert_eq!(time("1e3"), at(1000));
    assert_eq!(time("253402300800"), at(253_402_300_800));
    assert_eq!(time("9007199254740992"), at(1 << 53));
    assert_eq!(time("9007199254740992.0"), at(1 << 53));
    for number in [
        "9007199254740993",
        "1e19",
        "1e20",
        "1e300",
        "18446744073709551615",
        "9223372036854775807",
        "-1",
        "-0.5",
        "-1e300",
        r#""1""#,
        "null",
        "true",
        "[1]",
        "{}",
    ] {
        assert_eq!(time(number), Err(NotATime), "{number}");
    }
    assert_eq!(claims("{}").time("exp"), Ok(None));
}

/// attack 159, attack 94: the same values in each of the claims that are moments.
#[test]
fn a_claim_that_is_no_moment_is_refused_by_name() {
    let wrong = [
        json!(1e300),
        json!(u64::MAX),
        json!(-1),
        json!("1"),
        json!(null),
        json!(true),
        json!([]),
        json!(1e19),
    ];
    for value in wrong {
        assert_eq!(checked(&expected(), json!({"exp": value})), Err(ClaimsError::Expiry), "{value}");
        assert_eq!(checked(&expected(), json!({"iat": value})), Err(ClaimsError::IssuedAt), "{value}");
        assert_eq!(checked(&expected(), json!({"nbf": value})), Err(ClaimsError::NotBefore), "{value}");
    }
    let lenient = expected().with_expiry_ignored().with_issued_at_unchecked();
    assert_eq!(checked(&lenient, json!({"exp": -1})), Err(ClaimsError::Expiry));
    assert_eq!(checked(&lenient, json!({"iat": -1})), Err(ClaimsError::IssuedAt));
    assert_eq!(checked(&expected(), json!({"nbf": 1e15})), Err(ClaimsError::NotBefore));
}

/// attack 160: F9.
#[test]
fn an_audience_is_one_text_or_a_short_list_of_texts() {
    let wrong = [
        json!("absent"),
        json!([]),
        json!(["client", 1]),
        json!(["client", null]),
        json!(1),
        json!(null),
        json!({"client": 1}),
        json!(vec!["client"; 33]),
        json!(vec!["client"; 10_000]),
        json!("clien"),
        json!("client "),
        json!(["client-2"]),
    ];
    for expected in [expected(), Expected::new(ISSUER).with_only_audience(["client", "other"])] {
        for value in &wrong {
            let refusal = checked(&expected, json!({"aud": value})).unwrap_err();
            assert!(matches!(refusal, ClaimsError::Audience | ClaimsError::Malformed), "{refusal:?}");
        }
        assert_eq!(checked(&expected, json!({"aud": "client"})), Ok(()));
        assert_eq!(checked(&expected, json!({"aud": ["client"]})), Ok(()));
    }
    assert_eq!(checked(&expected(), json!({"aud": vec!["client"; 32]})), Ok(()));
}

/// attack 160, attack 92: how far other audiences are tolerated is said by the purpose.
#[test]
fn other_audiences_are_tolerated_only_where_the_purpose_says_so() {
    let only = Expected::new(ISSUER).with_only_audience(["client", "alias"]);
    let plain = Expected::new(ISSUER).with_plain_audience(["client", "alias"]);
    let both = json!({"aud": ["client", "alias"]});
    let foreign = json!({"aud": ["client", "https://evil.example"]});
    assert_eq!(checked(&expected(), foreign.clone()), Ok(()));
    assert_eq!(checked(&only, foreign), Err(ClaimsError::Audience));
    assert_eq!(checked(&only, both.clone()), Ok(()));
    assert_eq!(checked(&plain, both), Err(ClaimsError::Audience));
    assert_eq!(checked(&plain, json!({"aud": ["client"]})), Err(ClaimsError::Audience));
    assert_eq!(checked(&plain, json!({"aud": "alias"})), Ok(()));
    assert_eq!(checked(&Expected::new(ISSUER), json!({"aud": 1})), Ok(()));
}

/// attack 93
#[test]
fn the_issuer_is_compared_exactly() {
    for issuer in [
        json!("absent"),
        json!("https://op.example/"),
        json!("https://op.exampl"),
        json!("HTTPS://op.example"),
        json!([ISSUER]),
        json!([ISSUER, "https://evil.example"]),
        json!(null),
        json!({}),
    ] {
        assert_eq!(checked(&expected(), json!({"iss": issuer})), Err(ClaimsError::Issuer), "{issuer}");
    }
}

/// Lenient, a token is over when its `exp` and the leeway lie in the past or are now.
#[test]
fn an_expiry_counts_with_its_leeway() {
    let exp = |expected: &Expected, ahead: i64| checked(expected, json!({"exp": NOW + ahead}));
    assert_eq!(exp(&expected(), -9), Ok(()));
    assert_eq!(exp(&expected(), -10), Err(ClaimsError::Expired));
    assert_eq!(exp(&expected(), -300), Err(ClaimsError::Expired));
    let exact = expected().with_exact_expiry();
    assert_eq!((exp(&exact, 1), exp(&exact, 0)), (Ok(()), Err(ClaimsError::Expired)));
    let none = expected().with_leeway(Duration::ZERO);
    assert_eq!((exp(&none, 1), exp(&none, 0)), (Ok(()), Err(ClaimsError::Expired)));
    let most = expected().with_leeway(Duration::from_secs(3600));
    assert_eq!((exp(&most, -59), exp(&most, -60)), (Ok(()), Err(ClaimsError::Expired)));
    assert_eq!(exp(&expected().with_expiry_ignored(), -1_000_000), Ok(()));
    for expected in [expected(), expected().with_expiry_ignored()] {
        assert_eq!(checked(&expected, json!({"exp": "absent"})), Err(ClaimsError::Expiry));
    }
}

#[test]
fn a_token_may_not_live_longer_than_its_purpose_allows() {
    let short = expected().with_max_lifetime(Duration::from_secs(300));
    assert_eq!(checked(&short, json!({"exp": NOW + 310})), Ok(()));
    assert_eq!(checked(&short, json!({"exp": NOW + 311})), Err(ClaimsError::Lifetime));
    assert_eq!(checked(&short, json!({"exp": 1i64 << 53})), Err(ClaimsError::Lifetime));
    assert_eq!(checked(&expected(), json!({"exp": 1i64 << 53})), Ok(()));
}

#[test]
fn a_token_from_the_future_is_refused() {
    assert_eq!(checked(&expected(), json!({"iat": NOW + 10, "nbf": NOW + 10})), Ok(()));
    assert_eq!(checked(&expected(), json!({"iat": NOW + 11})), Err(ClaimsError::IssuedAt));
    assert_eq!(checked(&expected(), json!({"nbf": NOW + 11})), Err(ClaimsError::NotBefore));
    assert_eq!(checked(&expected(), json!({"iat": "absent", "nbf": "absent"})), Ok(()));
    assert_eq!(checked(&expected().with_issued_at(), json!({"iat": "absent"})), Err(ClaimsError::IssuedAt));
    assert_eq!(checked(&expected().with_issued_at_unchecked(), json!({"iat": NOW + 1000})), Ok(()));
}

#[test]
fn arithmetic_at_the_ends_of_time_saturates() {
    let all = claims(&format!(r#"{{"iss":"{ISSUER}","exp":9007199254740992,"iat":0}}"#));
    let expected = Expected::new(ISSUER).with_max_lifetime(Duration::MAX);
    assert_eq!(all.check(&expected, Timestamp::from_unix(i64::MIN)), Err(ClaimsError::IssuedAt));
    assert_eq!(all.check(&expected, Timestamp::NEVER), Err(ClaimsError::Expired));
}

#[test]
fn debug_shows_names_and_no_values() {
    assert_eq!(format!("{:?}", claims(r#"{"sub":"alice"}"#)), r#"ClaimsSet(["sub"])"#);
}
