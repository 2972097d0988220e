//! What a [`GrantStore`] must do.

use super::draw::{self, NOW, at};
use super::{answered, refused};
use crate::clock::Timestamp;
use crate::error::StoreErrorKind::{Conflict, Corrupt};
use crate::store::RevokedGrants::{Included, LeftOut};
use crate::store::{Filter, GrantRecord, GrantStore, Page, RevokedGrants, StoredGrant};
use crate::types::GrantId;

/// Grants are kept exactly, listed by page, and revoked by every filter.
///
/// # Panics
/// At the first clause that does not hold.
pub async fn grants(store: &dyn GrantStore) {
    kept_exactly(store).await;
    inserted_once(store).await;
    listed_by_filter(store).await;
    listed_by_page(store).await;
    revoked_by_filter(store).await;
    revoked_once(store).await;
    revoked_in_batches(store).await;
}

fn untouched(record: &GrantRecord) -> StoredGrant {
    StoredGrant { record: record.clone(), revoked_at: None, head: None }
}

async fn insert(store: &dyn GrantStore, grant: &GrantRecord) {
    answered("insert_grant keeps a new grant", store.insert_grant(grant.clone(), NOW).await);
}

async fn read(store: &dyn GrantStore, id: &GrantId, now: Timestamp) -> Option<StoredGrant> {
    answered("grant answers", store.grant(id, now).await)
}

/// All ids of a filter that are not revoked, read in pages of `limit`.
async fn list(store: &dyn GrantStore, of: &Filter, limit: u16, now: Timestamp) -> Vec<GrantId> {
    let all = list_all(store, of, (LeftOut, limit), now).await;
    assert!(all.iter().all(|grant| grant.revoked_at.is_none()), "a listing without revoked grants has none");
    all.into_iter().map(|grant| grant.record.id).collect()
}

async fn list_all(
    store: &dyn GrantStore,
    of: &Filter,
    (revoked, limit): (RevokedGrants, u16),
    now: Timestamp,
) -> Vec<StoredGrant> {
    let mut all = Vec::new();
    let mut page = Some(Page::first(limit));
    while let Some(this) = page {
        let listing = answered("grants answers", store.grants(of, revoked, &this, now).await);
        assert!(listing.items.len() <= usize::from(this.size()), "a page holds at most its limit");
        assert!(!listing.items.is_empty() || listing.next.is_none(), "an empty page is the last");
        page = this.following(&listing);
        all.extend(listing.items);
    }
    all
}

async fn kept_exactly(store: &dyn GrantStore) {
    let mut of_client = draw::any_grant();
    (of_client.subject, of_client.expires_at, of_client.keep_until) =
        (None, Timestamp::NEVER, Timestamp::NEVER);
    let mut in_session = draw::any_grant();
    in_session.session = Some(draw::session());
    in_session.created_at = Timestamp::from_unix(-1);
    for grant in [&draw::any_grant(), &of_client, &in_session] {
        insert(store, grant).await;
        let found = read(store, &grant.id, NOW).await;
        assert_eq!(found, Some(untouched(grant)), "a grant is read exactly as it was inserted");
    }
    assert_eq!(read(store, &draw::grant_id(), NOW).await, None, "a grant that was never inserted is None");
    let kept = read(store, &in_session.id, at(1999)).await;
    assert_eq!(kept, Some(untouched(&in_session)), "an expired grant is read until keep_until");
    assert_eq!(read(store, &in_session.id, at(2000)).await, None, "from keep_until on a grant is not read");
    let forever = read(store, &of_client.id, Timestamp::from_unix(i64::MAX - 1)).await;
    assert_eq!(forever, Some(untouched(&of_client)), "NEVER does not come");
}

async fn inserted_once(store: &dyn GrantStore) {
    let first = draw::any_grant();
    let second = GrantRecord { id: first.id, ..draw::any_grant() };
    insert(store, &first).await;
    refused("insert_grant under an id that exists", Conflict, store.insert_grant(second.clone(), NOW).await);
    assert_eq!(
        read(store, &first.id, NOW).await,
        Some(untouched(&first)),
        "a Conflict leaves the grant as it was"
    );
    let of_second = list(store, &Filter::Client(second.client), 10, NOW).await;
    assert_eq!(of_second, [], "a Conflict lists nothing");
}

/// Two subjects by two clients by two sessions, and a grant of a client for itself.
struct Crowd {
    grants: Vec<GrantRecord>,
}

impl Crowd {
    async fn insert(store: &dyn GrantStore) -> Self {
        let clients = [draw::client(), draw::client()];
        let subjects = [draw::subject(), draw::subject()];
        let sessions = [draw::session(), draw::session()];
        let mut grants = Vec::new();
        for n in 0..8 {
            let mut grant = draw::grant(&clients[n & 1], subjects[n >> 1 & 1]);
            grant.session = Some(sessions[n >> 2]);
            grants.push(grant);
        }
        let mut own = draw::grant(&clients[0], subjects[0]);
        own.subject = None;
        grants.push(own);
        for grant in &grants {
            insert(store, grant).await;
        }
        Self { grants }
    }

    /// Every kind of filter that concerns the first grant.
    fn filters(&self) -> Vec<Filter> {
        let GrantRecord { id, client, subject, session, .. } = self.grants[0].clone();
        let (subject, session) = (subject.expect("set above"), session.expect("set above"));
        vec![
            Filter::Id(id),
            Filter::Client(client.clone()),
            Filter::Session(session),
            Filter::Subject(subject),
            Filter::SubjectAndClient(subject, client),
        ]
    }

    /// The ids that a filter concerns, in order.
    fn of(&self, filter: &Filter) -> Vec<GrantId> {
        let concerned = |grant: &&GrantRecord| match filter {
            Filter::Id(id) => grant.id == *id,
            Filter::Client(client) => grant.client == *client,
            Filter::Session(session) => grant.session == Some(*session),
            Filter::Subject(subject) => grant.subject == Some(*subject),
            Filter::SubjectAndClient(subject, client) => {
                grant.subject == Some(*subject) && grant.client == *client
            }
        };
        let mut ids: Vec<_> = self.grants.iter().filter(concerned).map(|grant| grant.id).collect();
        ids.sort_unstable();
        ids
    }
}

impl Crowd {
    /// A grant as it is kept once those of a filter were revoked at 5.
    fn stored(&self, id: &GrantId, revoked: &Filter) -> StoredGrant {
        let record = self.grants.iter().find(|grant| grant.id == *id).expect("the grant is of the crowd");
        let revoked_at = self.of(revoked).contains(id).then_some(at(5));
        StoredGrant { revoked_at, ..untouched(record) }
    }
}

async fn listed_by_filter(store: &dyn GrantStore) {
    let crowd = Crowd::insert(store).await;
    for filter in crowd.filters() {
        let listed = list(store, &filter, 100, NOW).await;
        assert_eq!(listed, crowd.of(&filter), "{filter:?} lists its grants in the order of their ids");
        let kept = list(store, &filter, 100, at(1999)).await;
        assert_eq!(kept, crowd.of(&filter), "{filter:?} lists expired grants until keep_until");
        let gone = list(store, &filter, 100, at(2000)).await;
        assert_eq!(gone, [], "{filter:?} lists no grant past keep_until");
    }
    for filter in [
        Filter::Id(draw::grant_id()),
        Filter::Client(draw::client()),
        Filter::Session(draw::session()),
        Filter::Subject(draw::subject()),
        Filter::SubjectAndClient(draw::subject(), crowd.grants[0].client.clone()),
    ] {
        assert_eq!(list(store, &filter, 100, NOW).await, [], "{filter:?} concerns nothing");
    }
}

async fn listed_by_page(store: &dyn GrantStore) {
    let crowd = Crowd::insert(store).await;
    let filter = Filter::Client(crowd.grants[0].client.clone());
    let all = crowd.of(&filter);
    for limit in [0, 1, 2, 4, 5, 6, u16::MAX] {
        let listed = list(store, &filter, limit, NOW).await;
        assert_eq!(listed, all, "pages of {limit} list every grant once");
    }
    let first = answered("grants answers", store.grants(&filter, LeftOut, &Page::first(2), NOW).await);
    let next = Page::first(2).following(&first).expect("five grants do not fit on a page of two");
    for id in &all[..3] {
        answered("revoke answers", store.revoke(&Filter::Id(*id), NOW).await);
    }
    let second = answered("grants answers", store.grants(&filter, LeftOut, &next, NOW).await);
    let ids: Vec<GrantId> = second.items.iter().map(|grant| grant.record.id).collect();
    assert_eq!(ids, all[3..], "a page goes on behind a grant that was revoked meanwhile");
    assert_eq!(second.next, None, "the last page has no next");
    let strange = Page { after: Some("'not a cursor".to_owned()), limit: 2 };
    refused(
        "grants after a text that is no cursor",
        Corrupt,
        store.grants(&filter, LeftOut, &strange, NOW).await,
    );
}

async fn revoked_by_filter(store: &dyn GrantStore) {
    for n in 0..5 {
        let crowd = Crowd::insert(store).await;
        let filter = &crowd.filters()[n];
        let concerned = crowd.of(filter);
        let revoked = answered("revoke answers", store.revoke(filter, at(5)).await);
        assert_eq!(revoked, concerned.len() as u64, "revoke says how many {filter:?} concerned");
        for grant in &crowd.grants {
            let revoked_at = concerned.contains(&grant.id).then_some(at(5));
            let found = read(store, &grant.id, NOW).await;
            let expected = StoredGrant { revoked_at, ..untouched(grant) };
            assert_eq!(found, Some(expected), "revoke writes the time, to those of {filter:?} alone");
        }
        assert_eq!(list(store, filter, 100, NOW).await, [], "revoked grants are not listed");
        still_listed(store, &crowd, filter).await;
    }
}

/// Where it is asked for, what was revoked is listed like everything else, in its order and its time.
async fn still_listed(store: &dyn GrantStore, crowd: &Crowd, filter: &Filter) {
    for every in crowd.filters() {
        let expected: Vec<StoredGrant> = crowd.of(&every).iter().map(|id| crowd.stored(id, filter)).collect();
        for limit in [2, 100] {
            let listed = list_all(store, &every, (Included, limit), at(1999)).await;
            assert_eq!(listed, expected, "{every:?} lists revoked grants where they are asked for");
        }
        let gone = list_all(store, &every, (Included, 100), at(2000)).await;
        assert_eq!(gone, [], "{every:?} lists no revoked grant past keep_until");
    }
}

async fn revoked_once(store: &dyn GrantStore) {
    let grant = draw::any_grant();
    insert(store, &grant).await;
    let filter = Filter::Id(grant.id);
    let expired = answered("revoke answers", store.revoke(&filter, at(1500)).await);
    assert_eq!(expired, 1, "an expired grant that is kept is revoked");
    let again = answered("revoke answers", store.revoke(&filter, at(1501)).await);
    assert_eq!(again, 0, "a revoked grant is not counted again");
    let found = read(store, &grant.id, at(1501)).await.and_then(|grant| grant.revoked_at);
    assert_eq!(found, Some(at(1500)), "the time of the first revocation stays");
    let unknown = answered("revoke answers", store.revoke(&Filter::Id(draw::grant_id()), NOW).await);
    assert_eq!(unknown, 0, "revoking what is not there concerns nothing");
}

async fn revoke_some(store: &dyn GrantStore, of: &Filter, limit: u16, now: Timestamp) -> u16 {
    answered("revoke_some answers", store.revoke_some(of, limit, now).await)
}

async fn revoked_in_batches(store: &dyn GrantStore) {
    for n in 0..5 {
        let crowd = Crowd::insert(store).await;
        let filter = &crowd.filters()[n];
        let concerned = crowd.of(filter);
        assert_eq!(revoke_some(store, filter, 0, at(5)).await, 0, "a limit of none revokes none");
        assert_eq!(list(store, filter, 100, NOW).await, concerned, "a limit of none revokes none");
        let mut left = concerned.len();
        loop {
            let revoked = usize::from(revoke_some(store, filter, 2, at(5)).await);
            assert_eq!(revoked, left.min(2), "revoke_some revokes up to its limit, and says how many");
            left -= revoked;
            let listed = list(store, filter, 100, NOW).await.len();
            assert_eq!(listed, left, "revoke_some revokes as many as it says");
            if revoked < 2 {
                break;
            }
        }
        assert_eq!(revoke_some(store, filter, 2, at(6)).await, 0, "a revoked grant is not counted again");
        still_listed(store, &crowd, filter).await;
        let gone = Crowd::insert(store).await;
        let past = revoke_some(store, &gone.filters()[n], 1000, at(2000)).await;
        assert_eq!(past, 0, "a grant past keep_until is not revoked");
        let all = revoke_some(store, &gone.filters()[n], u16::MAX, at(1999)).await;
        assert_eq!(
            usize::from(all),
            gone.of(&gone.filters()[n]).len(),
            "an expired grant that is kept is revoked"
        );
    }
}
