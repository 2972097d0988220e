//! What can happen, and how bytes say it.

use super::cast::{Browser, Key, Kind, Party, Person, Set};
use crate::testing::Fault;

/// Most operations of one run.
const MAX_OPERATIONS: usize = 64;

/// Bytes of an operation: its verb, which of what is there it concerns, who does it how, and what is asked.
const RECORD: usize = 4;

/// One thing that happens. Where it concerns something that is not there, nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// A person gives or loses their account.
    Account {
        person: Person,
        enabled: bool,
    },
    /// A person answers a request of a browser.
    Answer {
        request: Nth,
        browser: Browser,
        decision: Decision,
    },
    /// The host asks what a request needs of whoever is signed in.
    Ask {
        request: Nth,
        browser: Browser,
    },
    /// A client sends a browser with a request, or with the reference of a pushed one.
    Authorize {
        asked: Asked,
        pushed: Option<Nth>,
    },
    /// A client asks for a person elsewhere.
    Begin {
        kind: Kind,
        person: Person,
        asked: Asked,
    },
    /// A client asks for itself.
    ClientCredentials {
        asked: Asked,
        proof: Proof,
    },
    /// Time passes, or the clock is set back, by seconds.
    Clock {
        by: i64,
    },
    /// A person answers elsewhere.
    Decide {
        request: Nth,
        browser: Browser,
        decision: Decision,
    },
    /// A token is exchanged.
    Exchange {
        token: Held,
        sent: Sent,
    },
    /// The `nth` call to the store from then on goes wrong in the next operation.
    Fault {
        nth: usize,
        fault: Fault,
    },
    Introspect {
        token: Held,
        sender: Sender,
    },
    /// A session ends, and with it the grants with `offline_access` or not.
    LogOut {
        browser: Browser,
        offline_access: bool,
    },
    /// The other node answers from here on.
    Node,
    /// A client asks what became of what it asked elsewhere.
    Poll {
        request: Nth,
        sent: Sent,
    },
    /// A client pushes a request.
    Push {
        asked: Asked,
        proof: Proof,
    },
    RedeemCode {
        code: Nth,
        sent: Sent,
        flaw: Flaw,
    },
    Refresh {
        token: Nth,
        sent: Sent,
    },
    /// A client gives a token back.
    Revoke {
        token: Held,
        sender: Sender,
    },
    /// The host revokes what a person gave to a client, with or without the consent to it.
    RevokeGrants {
        person: Option<Person>,
        client: Option<Party>,
        consent: bool,
    },
    /// Rows that have had their time go.
    Sweep,
    Userinfo {
        token: Nth,
        proof: Proof,
    },
}

/// One of several, counted from the newest, round and round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nth(u8);

impl Nth {
    /// The index in a list of this length; `None` where that is empty.
    pub(super) fn of(self, length: usize) -> Option<usize> {
        let back = usize::from(self.0).checked_rem(length)?;
        Some(length - 1 - back)
    }
}

/// A token that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Access(Nth),
    Refresh(Nth),
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) client: Party,
    pub(super) scope: Set,
    pub(super) resources: Set,
    /// The key that `dpop_jkt` names.
    pub(super) key: Option<Key>,
}

/// How something is redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) sender: Sender,
    pub(super) proof: Proof,
    /// Nothing is asked where it is empty.
    pub(super) scope: Set,
    pub(super) resources: Set,
}

/// Who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// The client that it was issued to.
    Owner,
    Other(Party),
}

impl Sender {
    pub(super) const fn or(self, owner: Party) -> Party {
        match self {
            Self::Owner => owner,
            Self::Other(client) => client,
        }
    }
}

/// Which key is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// That to which it is bound, or none.
    AsBound,
    Fresh(Key),
    None,
    /// The proof that was sent last is sent again.
    Replayed,
}

/// What is wrong with the redemption of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    RedirectUri,
    VerifierMissing,
    VerifierWrong,
}

/// What a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Yes, to what of the scope is here, and to be remembered or not.
    Approve {
        scope: Set,
        remember: bool,
    },
    Deny,
    /// Yes, to more than was asked.
    Exceed,
}

/// The operations that bytes stand for. Every input stands for some.
pub(super) fn decode(data: &[u8]) -> Vec<Operation> {
    let (records, _) = data.as_chunks::<RECORD>();
    records.iter().take(MAX_OPERATIONS).map(|record| operation(*record)).collect()
}

fn operation([verb, which, who, what]: [u8; RECORD]) -> Operation {
    let (nth, sent, browser, decision) = (Nth(which), sent(who, what), browser(who), decision(what));
    let (token, sender, proof) = (held(which), sent.sender, sent.proof);
    let asked = |client| asked(client, sent);
    let of_all = Party::ALL[usize::from(which % 4)];
    match verb % 26 {
        0 => Operation::Authorize { asked: asked(with_browser(which)), pushed: None },
        1 => Operation::Authorize { asked: asked(with_browser(which)), pushed: Some(Nth(which / 2)) },
        2 => Operation::Push { asked: asked(with_browser(which)), proof },
        3 => Operation::Ask { request: nth, browser },
        4 | 5 => Operation::Answer { request: nth, browser, decision },
        6 | 7 => Operation::RedeemCode { code: nth, sent, flaw: flaw(what) },
        8..=10 => Operation::Refresh { token: nth, sent },
        11 => Operation::ClientCredentials { asked: asked(of_all), proof },
        12 => Operation::Begin { kind: kind(which), person: person(who), asked: asked(elsewhere(which)) },
        13 => Operation::Decide { request: nth, browser, decision },
        14 | 15 => Operation::Poll { request: nth, sent },
        16 => Operation::Exchange { token, sent },
        17 => Operation::Revoke { token, sender },
        18 => Operation::Introspect { token, sender },
        19 => Operation::Userinfo { token: nth, proof },
        20 => Operation::LogOut { browser, offline_access: what % 2 == 1 },
        21 => revoke_grants(which, who),
        22 => Operation::Clock { by: JUMPS[usize::from(which) % JUMPS.len()] },
        23 => Operation::Node,
        24 => {
            Operation::Fault { nth: usize::from(which % 4), fault: FAULTS[usize::from(who) % FAULTS.len()] }
        }
        _ if which % 4 == 3 => Operation::Sweep,
        _ => Operation::Account { person: person(which), enabled: who % 2 == 0 },
    }
}

/// Seconds by which the clock moves: around every limit that there is, and back as far as two nodes may differ.
const JUMPS: [i64; 18] =
    [1, 4, 5, 6, 10, 30, 31, 59, 60, 300, 301, 600, 3600, 86_400, 1_209_600, 7_776_000, -10, -120];

const FAULTS: [Fault; 3] = [Fault::Unavailable, Fault::AnswerLost, Fault::Conflict];

fn sent(who: u8, what: u8) -> Sent {
    let sender = match who % 8 {
        0..=3 => Sender::Owner,
        n => Sender::Other(Party::ALL[usize::from(n - 4)]),
    };
    let proof = match who / 8 % 8 {
        0..=3 => Proof::AsBound,
        4 => Proof::None,
        5 => Proof::Fresh(Key::First),
        6 => Proof::Fresh(Key::Second),
        _ => Proof::Replayed,
    };
    Sent { sender, proof, scope: Set::of(what % 16), resources: Set::of(what / 16 % 4) }
}

const fn asked(client: Party, sent: Sent) -> Asked {
    let key = match sent.proof {
        Proof::Fresh(key) => Some(key),
        Proof::AsBound | Proof::None | Proof::Replayed => None,
    };
    Asked { client, scope: sent.scope, resources: sent.resources, key }
}

const fn held(which: u8) -> Held {
    let nth = Nth(which / 2);
    if which.is_multiple_of(2) { Held::Access(nth) } else { Held::Refresh(nth) }
}

const fn with_browser(which: u8) -> Party {
    if which.is_multiple_of(2) { Party::Spa } else { Party::Web }
}

const fn kind(which: u8) -> Kind {
    if which.is_multiple_of(2) { Kind::Device } else { Kind::Backchannel }
}

/// Mostly one that may ask like this.
fn elsewhere(which: u8) -> Party {
    match which / 2 % 8 {
        0..=2 => Party::Web,
        3..=5 if which.is_multiple_of(2) => Party::Tv,
        3..=5 => Party::Api,
        n => Party::ALL[usize::from(n - 6)],
    }
}

const fn person(which: u8) -> Person {
    if which.is_multiple_of(2) { Person::Alice } else { Person::Bob }
}

fn browser(who: u8) -> Browser {
    Browser::ALL[usize::from(who % 3)]
}

const fn flaw(what: u8) -> Flaw {
    match what / 64 {
        1 => Flaw::RedirectUri,
        2 => Flaw::VerifierMissing,
        3 => Flaw::VerifierWrong,
        _ => Flaw::None,
    }
}

/// All is agreed to, unless some of it is named.
const fn decision(what: u8) -> Decision {
    let scope = if what.is_multiple_of(16) { Set::EVERY_SCOPE } else { Set::of(what % 16) };
    match what / 16 % 8 {
        6 => Decision::Deny,
        7 => Decision::Exceed,
        n => Decision::Approve { scope, remember: n % 2 == 1 },
    }
}

fn revoke_grants(which: u8, who: u8) -> Operation {
    let (somebody, some_client) = (person(who), Party::ALL[usize::from(who / 2 % 4)]);
    let (person, client) = match which % 4 {
        0 => (Some(somebody), None),
        1 => (None, Some(some_client)),
        _ => (Some(somebody), Some(some_client)),
    };
    Operation::RevokeGrants { person, client, consent: which % 4 == 3 }
}
