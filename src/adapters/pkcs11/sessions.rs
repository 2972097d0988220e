//! The sessions of a token: a bounded number, each used by one caller at a time. Everything here blocks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::object::{ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

use super::key::KeyIdentity;
use super::{Pkcs11Error, Pkcs11Options};

/// Whatever is not signing is done one at a time in the process: loading and initializing the module, the way from the
/// look for the token to the login, the look for a key, what is written, and closing a session that failed. SoftHSM is
/// one of those that otherwise tell nonsense of a token that is written to, or crash. Signing goes on beside it, and so
/// does the end of the sessions of a token that is dropped, since who drops it must not wait.
static ALONE: Mutex<()> = Mutex::new(());

/// The module, and the sessions that are open.
pub(super) struct Sessions {
    module: Pkcs11,
    options: Pkcs11Options,
    held: Mutex<Held>,
    returned: Condvar,
    pin_refused: AtomicBool,
}

#[derive(Default)]
struct Held {
    idle: Vec<Open>,
    lent: usize,
}

/// A session in which the user is logged in.
pub(super) struct Open {
    pub(super) session: Session,
    /// Where the private keys are that were used in it.
    handles: HashMap<KeyIdentity, ObjectHandle>,
}

impl Open {
    /// A private key, to sign with.
    pub(super) fn private_key(&mut self, key: &KeyIdentity) -> Result<ObjectHandle, Pkcs11Error> {
        if let Some(handle) = self.handles.get(key) {
            return Ok(*handle);
        }
        let found = {
            let _alone = alone();
            key.object(&self.session, ObjectClass::PRIVATE_KEY)?
        };
        let handle = found.ok_or(Pkcs11Error::Missing)?;
        self.handles.insert(key.clone(), handle);
        Ok(handle)
    }
}

/// One of the sessions that may be open; given back when it is dropped.
struct Lease<'a> {
    sessions: &'a Sessions,
    /// `None` when it failed, and is closed.
    open: Option<Open>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut held = self.sessions.held();
        held.lent -= 1;
        held.idle.extend(self.open.take());
        drop(held);
        self.sessions.returned.notify_one();
    }
}

impl Sessions {
    /// Loads the module and logs in.
    pub(super) fn begin(options: Pkcs11Options) -> Result<Self, Pkcs11Error> {
        let module = {
            let _alone = alone();
            let module = Pkcs11::new(&options.module)?;
            initialize(&module)?;
            module
        };
        let sessions = Self {
            module,
            options,
            held: Mutex::default(),
            returned: Condvar::new(),
            pin_refused: AtomicBool::new(false),
        };
        sessions.look_up(|_| Ok(()))?;
        Ok(sessions)
    }

    /// Signs in a session, beside others.
    pub(super) fn sign<T>(
        &self,
        sign: impl FnMut(&mut Open) -> Result<T, Pkcs11Error>,
    ) -> Result<T, Pkcs11Error> {
        self.work(&mut self.lease()?, None, sign)
    }

    /// Looks something up in a session.
    pub(super) fn look_up<T>(
        &self,
        look: impl FnMut(&mut Open) -> Result<T, Pkcs11Error>,
    ) -> Result<T, Pkcs11Error> {
        let mut lease = self.lease()?;
        self.work(&mut lease, Some(alone()), look)
    }

    /// Works with a session; with a new one when one that was open before fails: it may have died since.
    ///
    /// What fails in the new one fails. Work that is not done alone takes its turn to close and to open sessions.
    fn work<T>(
        &self,
        lease: &mut Lease<'_>,
        held: Option<MutexGuard<'static, ()>>,
        mut work: impl FnMut(&mut Open) -> Result<T, Pkcs11Error>,
    ) -> Result<T, Pkcs11Error> {
        let mut failed = None;
        if let Some(mut open) = lease.open.take() {
            match work(&mut open) {
                Err(Pkcs11Error::Module(_) | Pkcs11Error::Missing) => failed = Some(open),
                answer => {
                    lease.open = Some(open);
                    return answer;
                }
            }
        }
        let stays_alone = held.is_some();
        let turn = held.unwrap_or_else(alone);
        drop(failed);
        let mut open = self.opened(Pkcs11::open_ro_session)?;
        let held = stays_alone.then_some(turn);
        let answer = work(&mut open);
        if matches!(answer, Err(Pkcs11Error::Module(_))) {
            let _turn = held.unwrap_or_else(alone);
            drop(open);
        } else {
            lease.open = Some(open);
        }
        answer
    }

    /// Works with a session that may write, which is opened beside the one that is lent, and closed afterwards.
    pub(super) fn writing<T>(
        &self,
        work: impl FnOnce(&Session) -> Result<T, Pkcs11Error>,
    ) -> Result<T, Pkcs11Error> {
        let _lease = self.lease()?;
        let _alone = alone();
        work(&self.opened(Pkcs11::open_rw_session)?.session)
    }

    /// Waits until one more session may be used.
    fn lease(&self) -> Result<Lease<'_>, Pkcs11Error> {
        let taken = |held: &mut Held| held.idle.is_empty() && held.lent >= self.options.sessions;
        let waited = self.returned.wait_timeout_while(self.held(), self.options.timeout, taken);
        let (mut held, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(Pkcs11Error::TimedOut);
        }
        held.lent += 1;
        let open = held.idle.pop();
        drop(held);
        Ok(Lease { sessions: self, open })
    }

    fn opened(&self, open: impl Fn(&Pkcs11, Slot) -> Result<Session, Error>) -> Result<Open, Pkcs11Error> {
        if self.pin_refused.load(Ordering::Acquire) {
            return Err(Pkcs11Error::PinRefused);
        }
        // Another part of the process may have ended the module's work, as some need after a lost connection.
        let session = match self.slot().and_then(|slot| Ok(open(&self.module, slot)?)) {
            Err(Pkcs11Error::Module(Error::Pkcs11(RvError::CryptokiNotInitialized, _))) => {
                initialize(&self.module)?;
                open(&self.module, self.slot()?)?
            }
            session => session?,
        };
        let pin = AuthPin::new(self.options.pin.expose().into());
        match session.login(UserType::User, Some(&pin)) {
            // Logged in is the process, with all of its sessions.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {
                Ok(Open { session, handles: HashMap::new() })
            }
            Err(error) if Pkcs11Error::is_about_the_pin(&error) => {
                self.pin_refused.store(true, Ordering::Release);
                Err(Pkcs11Error::PinRefused)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The slot of the token: it may be in another when it was out.
    fn slot(&self) -> Result<Slot, Pkcs11Error> {
        for slot in self.module.get_slots_with_token()? {
            // A slot that cannot be asked is not that of the token.
            let found = self.module.get_token_info(slot);
            if found.is_ok_and(|token| token.label().trim_end() == self.options.token) {
                return Ok(slot);
            }
        }
        Err(Pkcs11Error::TokenMissing)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Initializes the module, unless another part of the process has.
fn initialize(module: &Pkcs11) -> Result<(), Pkcs11Error> {
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
