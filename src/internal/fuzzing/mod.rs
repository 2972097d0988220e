//! One function for each fuzz target: it takes any bytes, and panics where a rule of the crate does not hold.

mod authorization;
mod authorize;
mod certificate;
mod claims;
mod dpop;
mod fetch_url;
mod form;
mod jwe;
mod jwk;
mod jws;
mod output;
mod post_logout;
mod protocol;
mod redirect_uri;
mod registration;
mod request_object;
mod scope;
mod tokens;

pub use authorization::authorization;
pub use authorize::authorize;
pub use certificate::certificate;
pub use claims::{claims, client_assertion};
pub use dpop::dpop;
pub use fetch_url::fetch_url;
pub use form::form;
pub use jwe::jwe;
pub use jwk::jwk;
pub use jws::jws;
pub use output::output;
pub use post_logout::post_logout;
pub use protocol::protocol;
pub use redirect_uri::redirect_uri;
pub use registration::registration;
pub use request_object::request_object;
pub use scope::scope;
pub use tokens::tokens;

/// Cuts the input at its line feeds into `N` texts; what is missing is empty, and bytes that are not UTF-8 are
/// replaced.
fn texts<const N: usize>(data: &[u8]) -> [String; N] {
    let mut lines = data.splitn(N, |b| *b == b'\n');
    std::array::from_fn(|_| String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned())
}

#[cfg(test)]
mod authorize_tests;
#[cfg(test)]
mod jose_tests;
#[cfg(test)]
mod request_object_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tokens_tests;
