//! Who acts for whom (RFC 8693 sections 4.1 and 4.4).

use serde_json::{Map, Value};

use crate::client::Client;
use crate::error::Reason;
use crate::provider::context::Context;
use crate::provider::exchange::ExchangeToken;
use crate::provider::subject;
use crate::types::{Actor, Actors};

/// The actors of the new token: those of the subject token, and the one of the actor token before them.
///
/// # Errors
/// [`Reason::SubjectTokenMayAct`] when the subject token names another who may act, and [`Reason::ActorChainTooLong`].
pub(super) fn actors(
    cx: &Context<'_>,
    client: &Client,
    (subject, actor): (&ExchangeToken, Option<&ExchangeToken>),
) -> Result<Actors, Reason> {
    if let Some(named) = subject.claims.value("may_act") {
        let allowed = named.as_object().is_some_and(|named| match actor {
            Some(actor) => is_actor((named, &subject.issuer), actor),
            None => is_client((named, &subject.issuer), (cx.issuer(), client)),
        });
        if !allowed {
            return Err(Reason::SubjectTokenMayAct);
        }
    }
    let Some(actor) = actor else { return Ok(subject.actors.clone()) };
    let actor = match (&actor.authentication, &actor.client) {
        (Some(authentication), _) => Actor::Person(authentication.subject.clone()),
        (None, Some(owner)) => Actor::Client(owner.clone()),
        (None, None) => Actor::Client(client.id().clone()),
    };
    subject.actors.followed_by(actor).map_err(|_| Reason::ActorChainTooLong)
}

/// Members of `may_act` that can be checked. One that cannot may be what tells the actor from another.
const KNOWN: [&str; 3] = ["iss", "sub", "client_id"];

/// Whether `may_act` of a token of `issuer` names the one whom the actor token is about, by the name that its issuer has
/// for them.
fn is_actor((named, issuer): (&Map<String, Value>, &str), actor: &ExchangeToken) -> bool {
    let is = |name, expected: Option<&str>| {
        named.get(name).is_none_or(|value| expected.is_some() && value.as_str() == expected)
    };
    let same_issuer = named.get("iss").map_or(Some(issuer), Value::as_str) == Some(&actor.issuer);
    let client = actor.client.as_ref().map(|client| client.as_str());
    named.contains_key("sub")
        && same_issuer
        && is("sub", Some(&actor.sub))
        && is("client_id", client)
        && named.keys().all(|name| KNOWN.contains(&name.as_str()))
}

/// Whether `may_act` names the client that asks, for itself: by `client_id`, or by the `sub` that it has here.
fn is_client((named, issuer): (&Map<String, Value>, &str), (own_issuer, client): (&str, &Client)) -> bool {
    let sub = subject::of_client(client.id());
    let is = |name, expected: &str| named.get(name).is_none_or(|value| value.as_str() == Some(expected));
    let known_here = match (named.get("iss"), named.contains_key("client_id")) {
        (Some(iss), _) => iss.as_str() == Some(own_issuer),
        // Who has a `client_id` is a client of the server that the token is exchanged at.
        (None, true) => !named.contains_key("sub") || issuer == own_issuer,
        (None, false) => issuer == own_issuer && named.contains_key("sub"),
    };
    let named_at_all = named.contains_key("sub") || named.contains_key("client_id");
    named_at_all
        && known_here
        && is("sub", &sub)
        && is("client_id", client.id().as_str())
        && named.keys().all(|name| KNOWN.contains(&name.as_str()))
}
