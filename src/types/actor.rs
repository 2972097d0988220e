//! Who acts for somebody: the chain in the claim `act` (RFC 8693 section 4.1).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ClientId, Subject};

/// Most actors in a chain.
pub const MAX_ACTORS: usize = 5;

/// One who acts for the person or client that a token is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Actor {
    /// A client of this issuer.
    Client(ClientId),
    /// Somebody whom another issuer knows.
    Foreign {
        /// The issuer.
        iss: String,
        /// The name that it has for them.
        sub: String,
    },
    /// A person, by the host's name.
    Person(Subject),
}

/// Those who act, the current one first and the others in the order of going back: at most [`MAX_ACTORS`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actors(Vec<Actor>);

/// Why there is no such chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidActors {
    /// The claim is not made of objects with a `sub`, and an `iss` where that is another issuer.
    #[error("the act claim is malformed")]
    Malformed,
    /// There are more than [`MAX_ACTORS`].
    #[error("more than 5 act one for the other")]
    TooMany,
}

impl Actors {
    /// Nobody: the token acts for itself.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Reads the claim `act` of a token of another issuer, which an actor without `iss` is of too.
    ///
    /// # Errors
    /// [`InvalidActors`].
    pub fn of_claim(claim: &Value, issuer: &str) -> Result<Self, InvalidActors> {
        let (mut actors, mut next) = (Vec::new(), Some(claim));
        while let Some(claim) = next {
            if actors.len() == MAX_ACTORS {
                return Err(InvalidActors::TooMany);
            }
            let members = claim.as_object().ok_or(InvalidActors::Malformed)?;
            let text = |name| members.get(name).map(|value| value.as_str().filter(|text| !text.is_empty()));
            let sub = text("sub").flatten().ok_or(InvalidActors::Malformed)?.to_owned();
            let iss = text("iss").unwrap_or(Some(issuer)).ok_or(InvalidActors::Malformed)?.to_owned();
            actors.push(Actor::Foreign { iss, sub });
            next = members.get("act");
        }
        Ok(Self(actors))
    }

    /// The chain once `actor` acts for those in it.
    ///
    /// # Errors
    /// [`InvalidActors::TooMany`].
    pub fn followed_by(&self, actor: Actor) -> Result<Self, InvalidActors> {
        if self.0.len() >= MAX_ACTORS {
            return Err(InvalidActors::TooMany);
        }
        Ok(Self(std::iter::once(actor).chain(self.0.iter().cloned()).collect()))
    }

    /// Whether nobody acts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those who act, the current one first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Actor> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://idp.example";

    fn foreign(iss: &str, sub: &str) -> Actor {
        Actor::Foreign { iss: iss.to_owned(), sub: sub.to_owned() }
    }

    fn nested(depth: usize) -> Value {
        (1..depth).fold(json!({"sub": "a"}), |inner, _| json!({"sub": "a", "act": inner}))
    }

    #[test]
    fn the_claim_reads_from_the_current_actor_back() {
        let claim = json!({"sub": "b", "exp": 1, "act": {"sub": "a", "iss": "https://other.example"}});
        let actors = Actors::of_claim(&claim, ISSUER).unwrap();
        let expected = [foreign(ISSUER, "b"), foreign("https://other.example", "a")];
        assert_eq!(actors.iter().cloned().collect::<Vec<_>>(), expected);
    }

    /// attack 139: neither a claim nor one more step makes a chain of more than five.
    #[test]
    fn a_chain_has_five_links() {
        assert!(Actors::of_claim(&nested(5), ISSUER).is_ok());
        for depth in [6, 50] {
            assert_eq!(Actors::of_claim(&nested(depth), ISSUER), Err(InvalidActors::TooMany));
        }
        let actor = foreign(ISSUER, "next");
        let four = Actors::of_claim(&nested(4), ISSUER).unwrap();
        let five = four.followed_by(actor.clone()).unwrap();
        assert_eq!((five.iter().next(), five.iter().count()), (Some(&actor), 5));
        assert_eq!(five.followed_by(actor), Err(InvalidActors::TooMany));
    }

    #[test]
    fn an_actor_without_a_name_is_none() {
        for claim in [
            json!({}),
            json!("a"),
            json!(null),
            json!([{"sub": "a"}]),
            json!({"sub": ""}),
            json!({"sub": 1}),
            json!({"sub": "a", "iss": null}),
            json!({"sub": "a", "iss": ""}),
            json!({"sub": "a", "act": null}),
            json!({"sub": "a", "act": {"client_id": "b"}}),
        ] {
            assert_eq!(Actors::of_claim(&claim, ISSUER), Err(InvalidActors::Malformed), "{claim}");
        }
    }
}
