//! The people: who they are, how they prove it, and what the provider may say of them.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use vouchsafe::accounts::{AccountQuery, Accounts};
use vouchsafe::entropy::{EntropyError, OsEntropy, random};
use vouchsafe::error::BoxError;
use vouchsafe::secret::generate;
use vouchsafe::types::{Claims, Subject};

/// Most bytes in a password that is looked at.
pub(crate) const MAX_PASSWORD_BYTES: usize = 1024;

/// Least characters in a password that somebody chooses here.
pub(crate) const MIN_PASSWORD_CHARACTERS: usize = 8;

/// Most users, when people create their accounts.
const MAX_USERS: usize = 10_000;

const BAD_SUBJECT: &str = "claims.sub, or else the username, must be 1 to 255 printable ASCII characters that do not begin with client:";

/// The users of an example, by username.
///
/// Their passwords come from a file in clear, so a salted SHA-256 loses nothing here. A service of its own keeps
/// Argon2id hashes, and bounds how often a password may be tried.
pub(crate) struct Users {
    salt: [u8; 32],
    users: RwLock<BTreeMap<String, User>>,
}

struct User {
    subject: Subject,
    digest: [u8; 32],
    claims: Claims,
}

/// What is wrong with a user, in words for the one who wrote the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct InvalidUser(pub &'static str);

impl Users {
    /// Nobody yet.
    pub(crate) fn new() -> Result<Self, EntropyError> {
        Ok(Self { salt: random(&OsEntropy)?, users: RwLock::default() })
    }

    /// Adds a person. Their `sub` is the claim of that name, else the username.
    pub(crate) fn add(
        &mut self,
        username: &str,
        password: &str,
        claims: Map<String, Value>,
    ) -> Result<(), InvalidUser> {
        self.insert(username, password, claims)
    }

    /// Creates the account that somebody asked for, until the process ends. Its `sub` is random, so that nobody's is
    /// ever given out again.
    pub(crate) fn create(&self, username: &str, password: &str) -> Result<Subject, InvalidUser> {
        if username.trim() != username || username.chars().any(char::is_control) {
            return Err(InvalidUser("the username must not begin or end with a space"));
        }
        if password.chars().count() < MIN_PASSWORD_CHARACTERS {
            return Err(InvalidUser("the password must have at least 8 characters"));
        }
        let sub = generate(&OsEntropy, 128).map_err(|_| InvalidUser("accounts cannot be created now"))?;
        let claims = json!({ "sub": sub.expose(), "preferred_username": username });
        self.insert(username, password, claims.as_object().cloned().unwrap_or_default())?;
        Subject::new(sub.expose()).map_err(|_| InvalidUser(BAD_SUBJECT))
    }

    fn insert(&self, username: &str, password: &str, claims: Map<String, Value>) -> Result<(), InvalidUser> {
        if username.is_empty() || username.len() > 255 {
            return Err(InvalidUser("username must be 1 to 255 bytes"));
        }
        if password.is_empty() || password.len() > MAX_PASSWORD_BYTES {
            return Err(InvalidUser("password must be 1 to 1024 bytes"));
        }
        let subject = match claims.get("sub") {
            None => username,
            Some(sub) => sub.as_str().ok_or(InvalidUser("claims.sub must be a string"))?,
        };
        let subject = Subject::new(subject).map_err(|_| InvalidUser(BAD_SUBJECT))?;
        let user = User { subject, digest: self.digest(password), claims: claims.into() };
        let mut users = self.users.write().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= MAX_USERS {
            return Err(InvalidUser("there are as many users as there can be"));
        }
        if users.values().any(|other| other.subject == user.subject) {
            return Err(InvalidUser("another user has the same sub"));
        }
        if users.contains_key(username) {
            return Err(InvalidUser("another user has the same username"));
        }
        users.insert(username.to_owned(), user);
        Ok(())
    }

    /// Who this is, if the password is right.
    ///
    /// An unknown username costs the same hash and comparison as a wrong password.
    pub(crate) fn sign_in(&self, username: &str, password: &str) -> Option<Subject> {
        const NOBODY: [u8; 32] = [0; 32];
        let users = self.read();
        let user = users.get(username);
        let expected = user.map_or(&NOBODY, |user| &user.digest);
        let right = bool::from(self.digest(password).ct_eq(expected)) && password.len() <= MAX_PASSWORD_BYTES;
        user.filter(|_| right).map(|user| user.subject.clone())
    }

    /// The username and the name to greet with.
    pub(crate) fn names(&self, subject: &Subject) -> Option<(String, String)> {
        let users = self.read();
        let (username, user) = users.iter().find(|(_, user)| user.subject == *subject)?;
        let name = user.claims.value("name").and_then(Value::as_str).unwrap_or(username);
        Some((username.clone(), name.to_owned()))
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, User>> {
        self.users.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn digest(&self, password: &str) -> [u8; 32] {
        Sha256::new().chain_update(self.salt).chain_update(password).finalize().into()
    }
}

/// Prints how many there are: the rest is personal.
impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Users({})", self.read().len())
    }
}

#[async_trait]
impl Accounts for Users {
    async fn claims(&self, query: AccountQuery<'_>) -> Result<Option<Claims>, BoxError> {
        Ok(self.read().values().find(|user| user.subject == *query.subject).map(|user| user.claims.clone()))
    }
}
