//! Records as stores keep them: columns and sealed payload, written and read back in one place.
//!
//! Columns are plain, so whoever can write to the store can change them. A payload counts only under the columns
//! that it was sealed with: a record whose columns say something else does not open.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::payload::{self, Kind};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::event::EventKind;
use crate::secret::TokenHash;
use crate::store::{
    AccessToken, AuthorizationCode, CodeRecord, Grant, GrantRecord, SessionKey, SubjectKey, TokenRecord,
};
use crate::types::{Authentication, ClientId, GrantId};

/// The longest life of an access token, whatever a policy answers: 24 hours.
pub(crate) const MAX_ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How much longer than any access token a used code is remembered: 30 minutes (attack 322).
const RETENTION_MARGIN: Duration = Duration::from_secs(30 * 60);

/// The payload of a code: with the times of its columns, so that nobody who writes to the store can prolong it.
#[derive(Serialize, Deserialize)]
struct Timed<T> {
    code: T,
    expires_at: Timestamp,
    retain_until: Timestamp,
}

/// The record of a grant. It is kept until its limit or the end of its login session, whichever is later.
pub(crate) fn grant_record(cx: &Context<'_>, grant: &Grant) -> Result<GrantRecord> {
    let authentication = grant.authentication.as_ref();
    let session_ends = authentication.and_then(|authentication| authentication.session_ends);
    Ok(GrantRecord {
        id: grant.id,
        client: grant.client.clone(),
        subject: authentication.map(|authentication| subject_key(cx, authentication)),
        session: authentication.and_then(|authentication| session_key(cx, authentication)),
        created_at: grant.created_at,
        expires_at: grant.expires_at,
        keep_until: session_ends.map_or(grant.expires_at, |ends| ends.max(grant.expires_at)),
        payload: payload::seal(cx, Kind::Grant, grant.id.as_bytes(), grant)?,
    })
}

/// The record of a code that is issued now; `key` is the hash of the code.
pub(crate) fn code_record(cx: &Context<'_>, key: &TokenHash, code: &AuthorizationCode) -> Result<CodeRecord> {
    let expires_at = cx.now.plus(cx.config.code_lifetime);
    let retain_until = expires_at.plus(MAX_ACCESS_TOKEN_LIFETIME).plus(RETENTION_MARGIN);
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
    Ok(TokenRecord {
        key,
        grant: token.grant,
        client: token.client.clone(),
        expires_at: token.expires_at,
        payload: payload::seal(cx, Kind::AccessToken, key.as_bytes(), token)?,
    })
}

/// The grant of a record; `None`, and an alarm, when the payload does not open or is not that of these columns.
pub(crate) fn open_grant(cx: &Context<'_>, record: &GrantRecord) -> Option<Grant> {
    let opened = payload::open::<Grant>(cx, Kind::Grant, record.id.as_bytes(), &record.payload);
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
    let opened = payload::open::<AccessToken>(cx, Kind::AccessToken, record.key.as_bytes(), &record.payload);
    let sound = opened.filter(|token| {
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
