//! What tests of this crate, and of its users, are made of: time, randomness and peers under their control, and a
//! [`Harness`] that puts a provider among them.
//!
//! Unlike the rest of the crate, what is here may panic: it asserts.

mod accounts;
mod authorize_form;
mod backchannel;
mod browser;
pub mod certificates;
mod clients;
mod clock;
mod device;
mod discovery;
mod dpop;
mod encryption;
mod entropy;
mod events;
mod faulty;
mod form;
mod harness;
mod http;
mod interleave;
mod jwt_form;
mod keys;
mod logout;
mod mac;
mod outcome;
mod profile;
mod pushed;
mod request_objects;
mod runtime;
pub mod store_suite;
mod token_form;
mod tokens;
mod visit;

pub use accounts::AccountTable;
pub use authorize_form::{AuthorizeForm, CODE_CHALLENGE, CODE_VERIFIER, authorize_form};
pub use backchannel::{
    AskingHost, NOTIFICATION_ENDPOINT, NOTIFICATION_TOKEN, PUSH_ENDPOINT, backchannel_form,
};
pub use browser::{Browser, Carrier, Landing};
pub use clients::{DEFAULT_AUDIENCE, REMOTE_JWKS_URI, REQUEST_URI, RESOURCE};
pub use clock::ManualClock;
pub use device::{WaitingDevice, device_form};
pub use dpop::dpop_keys;
pub use encryption::{client_decryption_keys, decrypted, decryption_keys};
pub use entropy::{Position, SeededEntropy};
pub use events::{RecordedEvents, refusals};
pub use faulty::{Fault, Faults};
pub use form::Form;
pub use harness::{Harness, HarnessBuilder, ISSUER};
pub use http::HttpTable;
pub use interleave::{Step, abandon, interleave};
pub use jwt_form::JwtForm;
pub use keys::{client_key, keyring};
pub use logout::OneLogin;
pub use mac::mac_jwt;
pub use outcome::{Outcome, Tokens};
pub use request_objects::{object_form, reference_form, signed_object, unsigned_object};
pub use runtime::{ManualRuntime, block_on};
pub use token_form::{TokenForm, client_form, token_form};
pub use tokens::{code_form, refresh_form};
pub use visit::Visit;
