//! Authorization responses as JWTs (JWT Secured Authorization Response Mode for OAuth 2.0, JARM).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::encoder::ResponseEncoder;
use super::return_address::ReturnAddress;
use crate::client::{Client, RemoteKeys};
use crate::error::{Reason, Result};
use crate::jose::{self, Keyring, Signer, SigningHeader};
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::encryption::{self, Answer, Encryption, Recipients};
use crate::types::{Params, ResponseMode};
use crate::wire::{Response, location, reply};

/// How long a response is good: the specification recommends 10 minutes at most (section 2.1), and a browser needs
/// seconds.
const LIFETIME: Duration = Duration::from_secs(120);

/// One of the four modes: a JWT in a query, a fragment or a form, or wherever the response type brings it.
#[derive(Clone, Debug)]
struct Jarm {
    /// `None` goes where the response type says (section 2.3.4).
    carrier: Option<ResponseMode>,
    keyring: Keyring,
    encryption: Option<Encryption>,
    remote: Option<Arc<RemoteKeys>>,
}

/// The four modes, with the keys of `core`.
pub(in crate::provider) fn encoders(core: &Core) -> impl Iterator<Item = Arc<dyn ResponseEncoder>> {
    let jarm = Jarm {
        carrier: None,
        keyring: core.keyring.clone(),
        encryption: core.encryption.clone(),
        remote: core.remote_keys.clone(),
    };
    let carriers =
        [None, Some(ResponseMode::Query), Some(ResponseMode::Fragment), Some(ResponseMode::FormPost)];
    carriers.into_iter().map(move |carrier| Arc::new(Jarm { carrier, ..jarm.clone() }) as _)
}

impl Jarm {
    fn recipients(&self) -> Recipients<'_> {
        Recipients { encryption: self.encryption.as_ref(), remote: self.remote.as_deref() }
    }

    fn signer(&self, client: &Client) -> Result<Arc<dyn Signer>, Reason> {
        let signer = self.keyring.signer_for(client.metadata().authorization_signed_response_alg);
        signer.ok_or(Reason::AuthorizationAlgUnavailable)
    }

    /// The response as one text (section 2.1), encrypted where the client registered that (section 2.2).
    async fn token(&self, cx: &Context<'_>, client: &Client, params: &Params) -> Result<String> {
        let encrypter = self.recipients().encrypter(cx, client, Answer::Authorization).await?;
        let signer = self.signer(client)?;
        let mut claims: Map<String, Value> =
            params.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        claims.insert("iss".to_owned(), cx.issuer().into());
        claims.insert("aud".to_owned(), client.id().as_str().into());
        claims.insert("exp".to_owned(), cx.now.plus(LIFETIME).unix().into());
        let payload = Value::Object(claims).to_string();
        let signed = jose::sign(&SigningHeader::new(), payload.as_bytes(), &*signer).await?;
        encryption::nested(cx, encrypter.as_ref(), signed)
    }

    fn carrier(&self, back: &ReturnAddress) -> ResponseMode {
        let usual = || back.response_type().map_or(ResponseMode::Query, |known| known.default_mode());
        self.carrier.unwrap_or_else(usual)
    }
}

#[async_trait]
impl ResponseEncoder for Jarm {
    fn response_mode(&self) -> &str {
        match self.carrier {
            None => "jwt",
            Some(ResponseMode::FormPost) => "form_post.jwt",
            Some(ResponseMode::Fragment) => "fragment.jwt",
            Some(ResponseMode::Query) => "query.jwt",
        }
    }

    /// A query may, where nobody else can read it (section 2.3.1).
    fn may_carry_tokens(&self, client: &Client) -> bool {
        self.carrier != Some(ResponseMode::Query) || client.metadata().authorization_encryption().is_some()
    }

    async fn check(&self, cx: &Context<'_>, client: &Client) -> Result<()> {
        self.signer(client)?;
        self.recipients().encrypter(cx, client, Answer::Authorization).await.map(drop)
    }

    async fn encode(&self, cx: &Context<'_>, back: &ReturnAddress, params: &Params) -> Result<Response> {
        let token = self.token(cx, back.client(), params).await?;
        let (uri, params) = (back.redirect_uri(), Params::from_pairs([("response", token)]));
        Ok(match self.carrier(back) {
            ResponseMode::FormPost => back.posted(&params),
            ResponseMode::Fragment => reply::redirect(&location::append_fragment(uri, &params)),
            ResponseMode::Query => reply::redirect(&location::append_query(uri, &params)),
        })
    }
}
