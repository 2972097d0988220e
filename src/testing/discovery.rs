//! What a provider says about itself.

use bytes::Bytes;
use serde_json::Value;

use super::Harness;

impl Harness {
    /// The metadata, as a client of OpenID Connect reads it.
    ///
    /// # Panics
    /// When the provider does not answer with JSON.
    #[must_use]
    #[track_caller]
    pub fn metadata(&self) -> Value {
        self.document("/.well-known/openid-configuration")
    }

    /// The published keys.
    ///
    /// # Panics
    /// When the provider does not answer with JSON.
    #[must_use]
    #[track_caller]
    pub fn key_set(&self) -> Value {
        self.document(&self.provider().config().paths.jwks)
    }

    #[track_caller]
    fn document(&self, path: &str) -> Value {
        let url = self.provider().config().issuer.endpoint(path);
        let request = http::Request::get(url).body(Bytes::new()).expect("the path stands in a URL");
        self.answer(request).accepted().json()
    }
}
