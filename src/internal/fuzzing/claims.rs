use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::jws::{SIGNER, signed};
use crate::clock::Timestamp;
use crate::jose::{
    ClaimsError, ClaimsSet, ClientAssertionError, ClientAssertionVerifier, Expected, JwkSet, MAX_TOKEN_BYTES,
    PresentedAssertion, RegisteredKeys, SigningAlg,
};
use crate::types::ClientId;

/// The issuer and the audiences that are expected; the client of assertions has the issuer's name.
const ISSUER: &str = "i";
const AUDIENCES: [&str; 2] = ["a", "b"];

/// Twelve bytes of circumstances, then claims as JSON.
///
/// The verdict is that of a second validator, which looks at every claim by itself, counts in 128 bits, and names
/// everything that is wrong: nothing wrong is accepted, nothing sound refused, and the error names a fault.
pub fn claims(data: &[u8]) {
    let Some((circumstances, payload)) = Circumstances::read(data) else {
        return;
    };
    let Ok(set) = ClaimsSet::parse(payload) else {
        return;
    };
    let value = Value::Object(set.clone().into_map());
    let faults = circumstances.faults(&value);
    match set.check(&circumstances.expected(), Timestamp::from_unix(circumstances.now)) {
        Ok(()) => assert!(faults.is_empty(), "accepted with {faults:?} in {circumstances:?}"),
        Err(error) => {
            let fault = format!("{error:?}");
            assert!(faults.contains(fault.as_str()), "{fault} is not among {faults:?} in {circumstances:?}");
        }
    }
}

/// Twelve bytes of circumstances, then the claims of a client assertion, signed: accepted exactly when the second
/// validator finds nothing wrong.
pub fn client_assertion(data: &[u8]) {
    let Some((mut circumstances, payload)) = Circumstances::read(data) else {
        return;
    };
    let value = ClaimsSet::parse(payload).map(|claims| Value::Object(claims.into_map()));
    circumstances.audience =
        if circumstances.audience == AudienceRule::Plain { AudienceRule::Plain } else { AudienceRule::Only };
    circumstances.expiry = ExpiryRule::Lenient;
    circumstances.issued_at = IssuedAtRule::Optional;
    let lifetime = *circumstances.max_lifetime.get_or_insert(300);
    let token = signed(br#"{"alg":"EdDSA"}"#, payload);
    if token.len() > MAX_TOKEN_BYTES {
        return;
    }
    let verdict = assertion_verdict(&circumstances, lifetime, &token);
    let sound = value.is_ok_and(|value| {
        let is_client = |name: &str| value.get(name).and_then(Value::as_str) == Some(ISSUER);
        let jti = value.get("jti").and_then(Value::as_str).map_or(0, str::len);
        circumstances.faults(&value).is_empty() && is_client("sub") && (1..=256).contains(&jti)
    });
    assert_eq!(verdict.is_ok(), sound, "{verdict:?} in {circumstances:?}");
}

fn assertion_verdict(
    circumstances: &Circumstances,
    lifetime: u64,
    token: &str,
) -> Result<(), ClientAssertionError> {
    let presented = PresentedAssertion::parse(token)?;
    let mut verifier = ClientAssertionVerifier::new(AUDIENCES)
        .with_algorithms(&[SigningAlg::EdDsa])
        .with_leeway(Duration::from_secs(circumstances.leeway))
        .with_max_lifetime(Duration::from_secs(lifetime));
    if circumstances.audience == AudienceRule::Plain {
        verifier = verifier.with_plain_audience();
    }
    let client = ClientId::new(ISSUER).expect("a letter is an identifier");
    let keys = JwkSet::parse(&serde_json::json!({ "keys": [SIGNER.public_key().to_value()] }));
    let keys = keys.expect("a public key makes a set");
    let registered = RegisteredKeys::new(&client, &keys).with_algorithm(Some(SigningAlg::EdDsa));
    verifier.verify(&presented, registered, Timestamp::from_unix(circumstances.now)).map(|_| ())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AudienceRule {
    Any,
    OneOf,
    Only,
    Plain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExpiryRule {
    Exact,
    Ignored,
    Lenient,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IssuedAtRule {
    Optional,
    Required,
    Unchecked,
}

/// What the claims are checked against, and when.
#[derive(Debug)]
struct Circumstances {
    audience: AudienceRule,
    expiry: ExpiryRule,
    issued_at: IssuedAtRule,
    max_lifetime: Option<u64>,
    leeway: u64,
    now: i64,
}

impl Circumstances {
    fn read(data: &[u8]) -> Option<(Self, &[u8])> {
        let (head, payload) = data.split_first_chunk::<12>()?;
        let [rules, lifetime, leeway, scale, now @ ..] = *head;
        let circumstances = Self {
            audience: match rules & 3 {
                0 => AudienceRule::Any,
                1 => AudienceRule::OneOf,
                2 => AudienceRule::Only,
                _ => AudienceRule::Plain,
            },
            expiry: match (rules >> 2) & 3 {
                0 => ExpiryRule::Exact,
                1 => ExpiryRule::Ignored,
                _ => ExpiryRule::Lenient,
            },
            issued_at: match (rules >> 4) & 3 {
                0 => IssuedAtRule::Required,
                1 => IssuedAtRule::Unchecked,
                _ => IssuedAtRule::Optional,
            },
            max_lifetime: (lifetime > 15).then_some(u64::from(lifetime)),
            leeway: u64::from(leeway),
            now: i64::from_be_bytes(now) >> (scale & 63),
        };
        Some((circumstances, payload))
    }

    fn expected(&self) -> Expected {
        let expected = Expected::new(ISSUER).with_leeway(Duration::from_secs(self.leeway));
        let expected = match self.audience {
            AudienceRule::Any => expected,
            AudienceRule::OneOf => expected.with_audience(AUDIENCES),
            AudienceRule::Only => expected.with_only_audience(AUDIENCES),
            AudienceRule::Plain => expected.with_plain_audience(AUDIENCES),
        };
        let expected = match self.expiry {
            ExpiryRule::Exact => expected.with_exact_expiry(),
            ExpiryRule::Ignored => expected.with_expiry_ignored(),
            ExpiryRule::Lenient => expected,
        };
        let expected = match self.issued_at {
            IssuedAtRule::Optional => expected,
            IssuedAtRule::Required => expected.with_issued_at(),
            IssuedAtRule::Unchecked => expected.with_issued_at_unchecked(),
        };
        match self.max_lifetime {
            Some(most) => expected.with_max_lifetime(Duration::from_secs(most)),
            None => expected,
        }
    }

    /// Everything that is wrong with `claims`, by the name of the [`ClaimsError`].
    fn faults(&self, claims: &Value) -> BTreeSet<&'static str> {
        let mut faults = BTreeSet::new();
        let (now, leeway) = (i128::from(self.now), i128::from(self.leeway.min(60)));
        if claims.get("iss") != Some(&Value::from(ISSUER)) {
            faults.insert(name(ClaimsError::Issuer));
        }
        if !self.audience_is_met(claims.get("aud")) {
            faults.insert(name(ClaimsError::Audience));
        }
        faults.extend(self.expiry_faults(claims.get("exp").and_then(seconds)));
        let iat_is_wrong = match claims.get("iat").map(seconds) {
            None => self.issued_at == IssuedAtRule::Required,
            Some(None) => true,
            Some(Some(iat)) => self.issued_at != IssuedAtRule::Unchecked && iat - now > leeway,
        };
        if iat_is_wrong {
            faults.insert(name(ClaimsError::IssuedAt));
        }
        match claims.get("nbf").map(seconds) {
            Some(nbf) if nbf.is_none_or(|nbf| nbf - now > leeway) => {
                faults.insert(name(ClaimsError::NotBefore));
            }
            _ => {}
        }
        faults
    }

    fn expiry_faults(&self, exp: Option<i128>) -> Vec<&'static str> {
        let (now, leeway) = (i128::from(self.now), i128::from(self.leeway.min(60)));
        let mut faults = Vec::new();
        match exp {
            None => faults.push(name(ClaimsError::Expiry)),
            Some(_) if self.expiry == ExpiryRule::Ignored => {}
            Some(exp) => {
                let grace = if self.expiry == ExpiryRule::Lenient { leeway } else { 0 };
                if now - exp >= grace {
                    faults.push(name(ClaimsError::Expired));
                }
                if self.max_lifetime.is_some_and(|most| exp - now - leeway > i128::from(most)) {
                    faults.push(name(ClaimsError::Lifetime));
                }
            }
        }
        faults
    }

    fn audience_is_met(&self, aud: Option<&Value>) -> bool {
        let ours = |value: &Value| AUDIENCES.iter().any(|audience| value == audience);
        let list = match (self.audience, aud) {
            (AudienceRule::Any, _) => return true,
            (_, None) => return false,
            (AudienceRule::Plain, Some(aud)) => return ours(aud),
            (_, Some(Value::Array(list))) => list.clone(),
            (_, Some(one)) => vec![one.clone()],
        };
        let sound = !list.is_empty() && list.len() <= 32 && list.iter().all(Value::is_string);
        sound
            && if self.audience == AudienceRule::Only { list.iter().all(ours) } else { list.iter().any(ours) }
    }
}

fn name(error: ClaimsError) -> &'static str {
    match error {
        ClaimsError::Audience => "Audience",
        ClaimsError::Expired => "Expired",
        ClaimsError::Expiry => "Expiry",
        ClaimsError::IssuedAt => "IssuedAt",
        ClaimsError::Issuer => "Issuer",
        ClaimsError::Lifetime => "Lifetime",
        ClaimsError::Malformed => "Malformed",
        ClaimsError::NotBefore => "NotBefore",
    }
}

/// The whole seconds of a number from 0 to 2^53, read from its decimal text.
fn seconds(value: &Value) -> Option<i128> {
    let number = value.as_number()?;
    let whole = match number.to_string().parse::<i128>() {
        Ok(whole) => whole,
        Err(_) => {
            let fraction = number.as_f64()?;
            if fraction < 0.0 || fraction > 2f64.powi(53) {
                return None;
            }
            format!("{:.0}", fraction.trunc()).parse().ok()?
        }
    };
    (0..=1 << 53).contains(&whole).then_some(whole)
}
