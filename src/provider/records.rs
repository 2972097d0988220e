//! Records as stores keep them: columns and sealed payload, written and read back in one place.
//!
//! Columns are plain, so whoever can write to the store can change them. A payload counts only under the columns
//! that it was sealed with: a record whose columns say something else does not open.

use std::time::Duration;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::payload::{self, Kind};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::event::EventKind;
use crate::seal::Sealed;
use crate::secret::TokenHash;
use crate::store::{
    AccessToken, AuthorizationCode, CodeRecord, Grant, GrantRecord, GrantedToken, SessionKey, SubjectKey,
    TokenRecord,
};
use crate::types::{
    Authentication, AuthorizationDetails, ClaimsRequest, ClientId, Confirmation, GrantId, GrantType,
    LanguageTag, Scope,
};

/// The longest life of an access token, whatever a policy answers: 24 hours.
pub(crate) const MAX_ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How much longer than any access token a used code is remembered: 30 minutes (attack 322).
const RETENTION_MARGIN: Duration = Duration::from_secs(30 * 60);

/// How long it is remembered what became of something that could be redeemed, from its own end on.
pub(crate) const RETENTION: Duration =
    Duration::from_secs(MAX_ACCESS_TOKEN_LIFETIME.as_secs() + RETENTION_MARGIN.as_secs());

/// The payload of a code: with the times of its columns, so that nobody who writes to the store can prolong it.
#[derive(Serialize, Deserialize)]
struct Timed<T> {
    code: T,
    expires_at: Timestamp,
    retain_until: Timestamp,
}

/// The payload of a token, with the grant that it brought along if it did.
#[derive(Serialize, Deserialize)]
struct Granting<T, G> {
    token: T,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    grant: Option<G>,
}

/// What a grant has beyond the token that brought it along.
#[derive(Serialize, Deserialize)]
struct Brought {
    grant_type: GrantType,
    /// `None` where it is the token's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<Scope>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    resources: Vec<String>,
    /// `None` where they are the token's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authorization_details: Option<AuthorizationDetails>,
    #[serde(default, skip_serializing_if = "ClaimsRequest::is_empty")]
    claims: ClaimsRequest,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    claims_locales: Vec<LanguageTag>,
    #[serde(rename = "cnf", default, skip_serializing_if = "Option::is_none")]
    confirmation: Option<Confirmation>,
    created_at: Timestamp,
}

impl Brought {
    fn of(grant: &Grant, token: &AccessToken) -> Self {
        Self {
            grant_type: grant.grant_type.clone(),
            scope: (grant.scope != token.scope).then(|| grant.scope.clone()),
            resources: grant.resources.clone(),
            authorization_details: (grant.authorization_details != token.authorization_details)
                .then(|| grant.authorization_details.clone()),
            claims: grant.claims.clone(),
            claims_locales: grant.claims_locales.clone(),
            confirmation: grant.confirmation,
            created_at: grant.created_at,
        }
    }

    fn into_grant(self, token: AccessToken) -> Grant {
        let mut grant = Grant::new(token.grant, token.client, self.grant_type, self.created_at)
            .with_scope(self.scope.unwrap_or(token.scope))
            .with_resources(self.resources)
            .with_authorization_details(self.authorization_details.unwrap_or(token.authorization_details))
            .with_claims(self.claims)
            .with_claims_locales(self.claims_locales)
            .with_confirmation(self.confirmation)
            .with_expiry(token.expires_at);
        grant.authentication = token.authentication;
        grant.actors = token.actors;
        grant
    }
}

/// The record of a grant. It is kept until its limit or the end of its login session, whichever is later.
pub(crate) fn grant_record(cx: &Context<'_>, grant: &Grant) -> Result<GrantRecord> {
    let authentication = grant.authentication.as_ref();
    Ok(GrantRecord {
        id: grant.id,
        client: grant.client.clone(),
        subject: authentication.map(|authentication| subject_key(cx, authentication)),
        session: authentication.and_then(|authentication| session_key(cx, authentication)),
        created_at: grant.created_at,
        expires_at: grant.expires_at,
        keep_until: keep_until(grant),
        token: None,
        payload: payload::seal(cx, Kind::Grant, grant.id.as_bytes(), grant)?,
    })
}

fn keep_until(grant: &Grant) -> Timestamp {
    let session_ends = grant.authentication.as_ref().and_then(|authentication| authentication.session_ends);
    session_ends.map_or(grant.expires_at, |ends| ends.max(grant.expires_at))
}

/// The record of a token that brings `grant` along, whose limit is the token's: one payload for both.
pub(crate) fn granted_token(
    cx: &Context<'_>,
    key: TokenHash,
    token: &AccessToken,
    grant: &Grant,
) -> Result<GrantedToken> {
    let authentication = grant.authentication.as_ref();
    Ok(GrantedToken {
        token: record_of(cx, key, token, Some(Brought::of(grant, token)))?,
        subject: authentication.map(|authentication| subject_key(cx, authentication)),
        session: authentication.and_then(|authentication| session_key(cx, authentication)),
        created_at: grant.created_at,
        keep_until: keep_until(grant),
    })
}

/// The record of a code that is issued now; `key` is the hash of the code.
pub(crate) fn code_record(cx: &Context<'_>, key: &TokenHash, code: &AuthorizationCode) -> Result<CodeRecord> {
    let expires_at = cx.now.plus(cx.config.code_lifetime);
    let retain_until = expires_at.plus(RETENTION);
    let timed = Timed { code, expires_at, retain_until };
    Ok(CodeRecord {
        grant: code.grant.id,
        client: code.grant.client.clone(),
        expires_at,
        retain_until,
        payload: payload::seal(cx, Kind::AuthorizationCode, key.as_bytes(), &timed)?,
    })
}

/// The record of an access token; `key` is the hash of the opaque token, or of the `jti` of a JWT.
pub(crate) fn token_record(cx: &Context<'_>, key: TokenHash, token: &AccessToken) -> Result<TokenRecord> {
    record_of(cx, key, token, None)
}

fn record_of(
    cx: &Context<'_>,
    key: TokenHash,
    token: &AccessToken,
    grant: Option<Brought>,
) -> Result<TokenRecord> {
    Ok(TokenRecord {
        key,
        grant: token.grant,
        client: token.client.clone(),
        expires_at: token.expires_at,
        payload: payload::seal(cx, Kind::AccessToken, key.as_bytes(), &Granting { token, grant })?,
    })
}

/// The grant of a record; `None`, and an alarm, when the payload does not open or is not that of these columns.
pub(crate) fn open_grant(cx: &Context<'_>, record: &GrantRecord) -> Option<Grant> {
    let opened = match &record.token {
        None => payload::open::<Grant>(cx, Kind::Grant, record.id.as_bytes(), &record.payload),
        Some(key) => open_brought(cx, key, &record.payload),
    };
    let sound = opened.filter(|grant| {
        let authentication = grant.authentication.as_ref();
        grant.id == record.id
            && grant.client == record.client
            && grant.expires_at == record.expires_at
            && authentication.map(|authentication| subject_key(cx, authentication)) == record.subject
            && authentication.and_then(|authentication| session_key(cx, authentication)) == record.session
    });
    if sound.is_none() {
        alarm(cx, &record.client, record.id);
    }
    sound
}

/// The grant in the payload of the token that it came with.
fn open_brought(cx: &Context<'_>, key: &TokenHash, payload: &Sealed) -> Option<Grant> {
    let opened: Granting<AccessToken, Brought> =
        payload::open(cx, Kind::AccessToken, key.as_bytes(), payload)?;
    Some(opened.grant?.into_grant(opened.token))
}

/// The code of a record found under `key`; `None`, and an alarm, as for [`open_grant`].
pub(crate) fn open_code(cx: &Context<'_>, key: &TokenHash, record: &CodeRecord) -> Option<AuthorizationCode> {
    let opened = payload::open::<Timed<AuthorizationCode>>(
        cx,
        Kind::AuthorizationCode,
        key.as_bytes(),
        &record.payload,
    );
    let sound = opened.filter(|timed| {
        let grant = &timed.code.grant;
        grant.id == record.grant
            && grant.client == record.client
            && timed.expires_at == record.expires_at
            && timed.retain_until == record.retain_until
    });
    if sound.is_none() {
        alarm(cx, &record.client, record.grant);
    }
    sound.map(|timed| timed.code)
}

/// The access token of a record; `None`, and an alarm, as for [`open_grant`].
pub(crate) fn open_token(cx: &Context<'_>, record: &TokenRecord) -> Option<AccessToken> {
    let opened: Option<Granting<AccessToken, IgnoredAny>> =
        payload::open(cx, Kind::AccessToken, record.key.as_bytes(), &record.payload);
    let sound = opened.map(|opened| opened.token).filter(|token| {
        token.grant == record.grant && token.client == record.client && token.expires_at == record.expires_at
    });
    if sound.is_none() {
        alarm(cx, &record.client, record.grant);
    }
    sound
}

/// The column that stands for who signed in.
pub(crate) fn subject_key(cx: &Context<'_>, authentication: &Authentication) -> SubjectKey {
    SubjectKey::of(cx.secrets, cx.issuer(), &authentication.subject)
}

/// The column that stands for the login session, if there is one.
pub(crate) fn session_key(cx: &Context<'_>, authentication: &Authentication) -> Option<SessionKey> {
    authentication.session.as_ref().map(|session| SessionKey::of(cx.secrets, cx.issuer(), session))
}

fn alarm(cx: &Context<'_>, client: &ClientId, grant: GrantId) {
    cx.emit(&cx.event(EventKind::PayloadUnreadable).with_client(client).with_grant(grant));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Endpoint;
    use crate::provider::context::Arrival;
    use crate::store::GrantStore as _;
    use crate::testing::{Harness, HarnessBuilder, block_on};
    use crate::types::{SessionId, Subject, Thumbprint};

    const KEY: TokenHash = TokenHash::from_bytes([5; 32]);

    fn grant(cx: &Context<'_>, session_ends: Option<Timestamp>) -> Grant {
        let mut login = Authentication::new(Subject::new("alice").unwrap(), cx.now)
            .with_session(SessionId::new("one session").unwrap());
        login.session_ends = session_ends;
        let client = ClientId::new("web").unwrap();
        Grant::new(GrantId::from_bytes([3; 16]), client, GrantType::AuthorizationCode, cx.now)
            .with_authentication(login)
            .with_expiry(cx.now.plus(Duration::from_secs(100)))
    }

    fn token(cx: &Context<'_>) -> AccessToken {
        let client = ClientId::new("web").unwrap();
        let ends = cx.now.plus(Duration::from_secs(60));
        AccessToken::new(GrantId::from_bytes([3; 16]), client, cx.now, ends)
    }

    /// Runs `check` in a request to a provider that is built like this.
    fn within(builder: HarnessBuilder, check: impl FnOnce(&Harness, &Context<'_>)) {
        let h = builder.build();
        let arrival = Arrival::at(Endpoint::Token, &h.provider().0);
        check(&h, &arrival.context());
    }

    #[test]
    fn what_is_written_reads_back() {
        within(Harness::builder(), |h, cx| {
            let (grant, token) = (grant(cx, None), token(cx));
            assert_eq!(open_grant(cx, &grant_record(cx, &grant).unwrap()), Some(grant.clone()));
            assert_eq!(open_token(cx, &token_record(cx, KEY, &token).unwrap()), Some(token));
            let code = AuthorizationCode::new(grant);
            assert_eq!(open_code(cx, &KEY, &code_record(cx, &KEY, &code).unwrap()), Some(code));
            assert_eq!(h.events(), []);
        });
    }

    #[test]
    fn what_is_bound_reads_back_as_bound() {
        within(Harness::builder(), |_, cx| {
            let bound = Some(Confirmation::Jkt(Thumbprint::from_bytes([7; 32])));
            let mut token = token(cx);
            token.confirmation = bound;
            let mut grant = grant(cx, None).with_confirmation(bound).with_expiry(token.expires_at);
            let mut code = AuthorizationCode::new(grant.clone());
            code.confirmation = bound;
            assert_eq!(open_token(cx, &token_record(cx, KEY, &token).unwrap()), Some(token.clone()));
            assert_eq!(open_code(cx, &KEY, &code_record(cx, &KEY, &code).unwrap()), Some(code));
            grant.authentication = None;
            let granted = granted_token(cx, KEY, &token, &grant).unwrap();
            assert_eq!(open_grant(cx, &granted.into_grant()), Some(grant));
        });
    }

    /// Records from before there was anything to bind to have no such member.
    #[test]
    fn a_record_without_a_binding_opens_as_unbound() {
        within(Harness::builder(), |_, cx| {
            let code = serde_json::to_value(AuthorizationCode::new(grant(cx, None))).unwrap();
            let token = serde_json::to_value(token(cx)).unwrap();
            assert!(
                code.get("cnf").is_none() && code["grant"].get("cnf").is_none() && token.get("cnf").is_none()
            );
            let code: AuthorizationCode = serde_json::from_value(code).unwrap();
            assert_eq!((code.confirmation, code.grant.confirmation), (None, None));
            let token: AccessToken = serde_json::from_value(token).unwrap();
            assert_eq!(token.confirmation, None);
        });
    }

    #[test]
    fn a_grant_that_came_with_its_token_reads_back_as_both() {
        within(Harness::builder(), |h, cx| {
            let token = token(cx);
            let mut grant = grant(cx, None).with_expiry(token.expires_at);
            grant.authentication = None;
            for scope in ["", "read write"] {
                grant.scope = Scope::parse(scope).unwrap();
                let granted = granted_token(cx, KEY, &token, &grant).unwrap();
                assert_eq!(open_token(cx, &granted.token), Some(token.clone()));
                assert_eq!(open_grant(cx, &granted.into_grant()), Some(grant.clone()));
            }
            assert_eq!(h.events(), []);
            // attack 317: a token that brought no grant along is none, whatever its row says.
            let alone = token_record(cx, KEY, &token).unwrap();
            let row =
                GrantRecord { token: Some(KEY), payload: alone.payload, ..grant_record(cx, &grant).unwrap() };
            assert_eq!(open_grant(cx, &row), None);
            assert_eq!(h.events().len(), 1);
        });
    }

    /// attack 317, attack 319: a column that says something else than the payload makes both count for nothing.
    #[test]
    fn a_changed_column_is_an_alarm() {
        within(Harness::builder(), |h, cx| {
            let good = grant_record(cx, &grant(cx, None)).unwrap();
            let changes: [fn(&mut GrantRecord); 5] = [
                |record| record.id = GrantId::from_bytes([4; 16]),
                |record| record.client = ClientId::new("evil").unwrap(),
                |record| record.expires_at = Timestamp::NEVER,
                |record| record.subject = None,
                |record| record.session = Some(SessionKey::from_bytes([1; 32])),
            ];
            for change in changes {
                let mut bad = good.clone();
                change(&mut bad);
                assert_eq!(open_grant(cx, &bad), None);
            }
            let good = token_record(cx, KEY, &token(cx)).unwrap();
            let changes: [fn(&mut TokenRecord); 4] = [
                |record| record.key = TokenHash::from_bytes([6; 32]),
                |record| record.grant = GrantId::from_bytes([4; 16]),
                |record| record.client = ClientId::new("evil").unwrap(),
                |record| record.expires_at = Timestamp::NEVER,
            ];
            for change in changes {
                let mut bad = good.clone();
                change(&mut bad);
                assert_eq!(open_token(cx, &bad), None);
            }
            assert!(h.events().iter().all(|event| event.kind == EventKind::PayloadUnreadable));
            assert_eq!(h.events().len(), 9);
        });
    }

    /// attack 317: nor does a payload open as another kind, under another key, or at another tenant.
    #[test]
    fn a_moved_payload_is_an_alarm() {
        within(Harness::builder(), |_, cx| {
            let code = AuthorizationCode::new(grant(cx, None));
            let record = code_record(cx, &KEY, &code).unwrap();
            assert_eq!(open_code(cx, &TokenHash::from_bytes([6; 32]), &record), None);
            let other = CodeRecord { client: ClientId::new("evil").unwrap(), ..record.clone() };
            assert_eq!(open_code(cx, &KEY, &other), None);
            let disguised =
                TokenRecord { payload: record.payload.clone(), ..token_record(cx, KEY, &token(cx)).unwrap() };
            assert_eq!(open_token(cx, &disguised), None);
            let tenant =
                Harness::builder().config(|config| config.issuer = "https://op.example/b".parse().unwrap());
            within(tenant, |_, there| assert_eq!(open_code(there, &KEY, &record), None));
        });
    }

    /// attack 322: what has to be recognised again is kept long enough.
    #[test]
    fn records_are_kept_as_long_as_they_matter() {
        within(Harness::builder(), |h, cx| {
            let record = code_record(cx, &KEY, &AuthorizationCode::new(grant(cx, None))).unwrap();
            assert_eq!(record.expires_at, cx.now.plus(Duration::from_secs(60)));
            let longest = MAX_ACCESS_TOKEN_LIFETIME + Duration::from_secs(60 + 30 * 60);
            assert_eq!(record.retain_until, cx.now.plus(longest));
            let late = cx.now.plus(Duration::from_secs(5000));
            for (ends, keep) in [(None, 100), (Some(late), 5000), (Some(cx.now), 100)] {
                let record = grant_record(cx, &grant(cx, ends)).unwrap();
                assert_eq!(record.keep_until, cx.now.plus(Duration::from_secs(keep)));
            }
            let record = grant_record(cx, &grant(cx, None)).unwrap();
            assert!(block_on(h.store().insert_grant(record, cx.now)).is_ok());
        });
    }
}
