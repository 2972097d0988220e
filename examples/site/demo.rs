//! The user that is there when nobody else is.

use serde_json::{Value, json};

use super::users::{InvalidUser, Users};

/// The username of the demo user.
pub(crate) const USERNAME: &str = "alice";

/// The password of the demo user.
pub(crate) const PASSWORD: &str = "wonderland";

/// Adds the demo user, who has every claim of OpenID Connect Core section 5.1.
pub(crate) fn add_to(users: &mut Users) -> Result<(), InvalidUser> {
    match claims() {
        Value::Object(claims) => users.add(USERNAME, PASSWORD, claims),
        _ => Err(InvalidUser("claims must be an object")),
    }
}

fn claims() -> Value {
    json!({
        "sub": "alice",
        "name": "Alice Pleasance Liddell",
        "given_name": "Alice",
        "middle_name": "Pleasance",
        "family_name": "Liddell",
        "nickname": "Al",
        "preferred_username": "alice",
        "profile": "https://wonderland.example/people/alice",
        "picture": "https://wonderland.example/people/alice.png",
        "website": "https://alice.example/",
        "gender": "female",
        "birthdate": "1852-05-04",
        "zoneinfo": "Europe/London",
        "locale": "en-GB",
        "updated_at": 1_751_328_000,
        "email": "alice@wonderland.example",
        "email_verified": true,
        "phone_number": "+44 20 7946 0018",
        "phone_number_verified": true,
        "address": {
            "formatted": "Christ Church\nSt Aldate's\nOxford OX1 1DP\nUnited Kingdom",
            "street_address": "Christ Church, St Aldate's",
            "locality": "Oxford",
            "region": "Oxfordshire",
            "postal_code": "OX1 1DP",
            "country": "United Kingdom",
        },
    })
}
