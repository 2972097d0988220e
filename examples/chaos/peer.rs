//! The clients of the races: plain requests, each noted with its answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, RETRY_AFTER, SET_COOKIE};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use vouchsafe::BoxError;
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::jose::{self, Signer, SigningHeader};
use vouchsafe::testing::{CODE_CHALLENGE, CODE_VERIFIER};

use crate::history::{Answer, Call, History, Text, Tokens};
use crate::node::clients::{CALLBACK, SIGNED_OUT};

/// How long a client waits for an answer before it gives up.
const PATIENCE: Duration = Duration::from_secs(15);

/// Seconds for which assertions are good: also at a clock that is ahead or behind by two minutes, since a provider takes
/// none that ends more than five minutes after its now.
const ASSERTION_LIFETIME: i64 = 180;

/// The type of the assertions of clients.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What the grants of people are asked for with.
const OFFLINE: &str = "openid offline_access read";

/// A client of every kind that nodes know. Clones share the history.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    http: reqwest::Client,
    history: History,
    issuer: Text,
    secret: Text,
    key: Arc<dyn Signer>,
}

/// Somebody who signs in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Login<'a> {
    /// The client they come from.
    pub(crate) client: &'a str,
    pub(crate) subject: &'a str,
    /// The login session, where what hangs on it is to end with it.
    pub(crate) session: Option<&'a str>,
}

impl Login<'_> {
    /// Somebody who comes from the public client.
    pub(crate) const ALICE: Login<'static> = Login { client: "spa", subject: "alice", session: None };
}

impl Peer {
    pub(crate) fn new(issuer: &str, secret: &str, key: Arc<dyn Signer>) -> Result<Self, BoxError> {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        let (issuer, secret) = (Text::from(issuer), Text::from(secret));
        Ok(Self { http: http.build()?, history: History::new(), issuer, secret, key })
    }

    pub(crate) const fn history(&self) -> &History {
        &self.history
    }

    /// What the confidential clients authenticate with.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// Asks for a code: the authorization request goes to one node, the sign-in to another.
    pub(crate) async fn code(&self, [first, second]: [&str; 2], login: Login<'_>) -> Answer {
        let scope = if login.session.is_some() { "openid read" } else { OFFLINE };
        let query = [
            ("client_id", login.client),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", scope),
            ("code_challenge", CODE_CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        match Url::parse_with_params(&format!("{first}/authorize"), query) {
            Ok(url) => self.sign_in(url, second, login).await,
            Err(_) => Answer::Lost,
        }
    }

    /// Opens an authorization request, and signs in at `node`.
    pub(crate) async fn sign_in(&self, url: Url, node: &str, login: Login<'_>) -> Answer {
        let begun = self.history.now();
        let answer = self.agree(url, node, login).await.unwrap_or(Answer::Lost);
        let call = Call::Authorize { session: login.session.map(Text::from) };
        self.history.note(begun, call, answer.clone());
        answer
    }

    /// Redeems a code of the public client, or of the other.
    pub(crate) async fn redeem(&self, node: &str, client: &str, code: &Text) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", CODE_VERIFIER),
        ];
        self.ask(Call::Redeem { code: code.clone() }, self.token_request(node, client, &form), tokens).await
    }

    /// Uses a refresh token of the public client, or of the other.
    pub(crate) async fn refresh(&self, node: &str, client: &str, token: &Text) -> Answer {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.ask(Call::Refresh { token: token.clone() }, self.token_request(node, client, &form), tokens)
            .await
    }

    /// Asks for a token for the client itself: an opaque one for `service`, a JWT for `jwt`.
    pub(crate) async fn credentials(&self, node: &str, client: &str) -> Answer {
        let form = [("grant_type", "client_credentials")];
        self.ask(Call::Credentials, self.token_request(node, client, &form), tokens).await
    }

    /// The same by an assertion that names this `jti`.
    pub(crate) async fn assert(&self, node: &str, assertion: &str, jti: &Text) -> Answer {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion),
        ];
        let request = self.http.post(format!("{node}/token")).form(&form);
        self.ask(Call::Assert { jti: jti.clone() }, request, tokens).await
    }

    /// An assertion of the client that signs them, good until `expiry`. It does not say when it was made, so that a clock
    /// that is behind takes it too.
    pub(crate) async fn assertion(&self, jti: &str, expiry: i64) -> Result<String, BoxError> {
        let claims =
            json!({ "iss": "signer", "sub": "signer", "aud": &*self.issuer, "jti": jti, "exp": expiry });
        Ok(jose::sign(&SigningHeader::typed("JWT"), claims.to_string().as_bytes(), &*self.key).await?)
    }

    /// Asks whether an access token is active.
    pub(crate) async fn introspect(&self, node: &str, token: &Text) -> Answer {
        let request = self.http.post(format!("{node}/introspect")).form(&[("token", &**token)]);
        let request = request.basic_auth("service", Some(&*self.secret));
        let active = |body: &Value| body["active"].as_bool().map(Answer::Active);
        self.ask(Call::Introspect { token: token.clone() }, request, active).await
    }

    /// Ends a token.
    pub(crate) async fn revoke(&self, node: &str, client: &str, token: &Text) -> Answer {
        let request = self.request(format!("{node}/revoke"), client, &[("token", token)]);
        self.ask(Call::Revoke { token: token.clone() }, request, |_| Some(Answer::Done)).await
    }

    /// Ends a login session, as the browser does in which it is.
    pub(crate) async fn log_out(&self, node: &str, login: Login<'_>, id_token: &str) -> Answer {
        let begun = self.history.now();
        let session = login.session.unwrap_or_default();
        let cookie = format!("chaos_login={}.{session}.{}", login.subject, SystemClock.now().unix());
        let query = [("id_token_hint", id_token), ("post_logout_redirect_uri", SIGNED_OUT)];
        let answer = match Url::parse_with_params(&format!("{node}/logout"), query) {
            Ok(url) => match self.http.get(url).header(COOKIE, cookie).send().await {
                Ok(response) if location(&response).is_some_and(|to| to.starts_with(SIGNED_OUT)) => {
                    Answer::Done
                }
                Ok(response) => refusal(response).await,
                Err(_) => Answer::Lost,
            },
            Err(_) => Answer::Lost,
        };
        self.history.note(begun, Call::LogOut { session: session.into() }, answer.clone());
        answer
    }

    /// Sends a request by which the public client uses a token, and is gone before the answer is there.
    pub(crate) async fn hang_up(&self, node: &str, call: Call, after: Duration) -> Result<(), BoxError> {
        let begun = self.history.now();
        let form = match &call {
            Call::Redeem { code } => vec![
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", CALLBACK),
                ("code_verifier", CODE_VERIFIER),
            ],
            Call::Refresh { token } => vec![("grant_type", "refresh_token"), ("refresh_token", token)],
            call => return Err(format!("nobody hangs up on {call:?}").into()),
        };
        let request = self.token_request(node, "spa", &form).build()?;
        let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
        let head = format!(
            "POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let address: SocketAddr = node.trim_start_matches("http://").parse()?;
        let mut connection = TcpStream::connect(address).await?;
        connection.write_all(&[head.as_bytes(), body].concat()).await?;
        tokio::time::sleep(after).await;
        drop(connection);
        self.history.note(begun, call, Answer::HungUp);
        Ok(())
    }

    /// Reads a document that needs no store, and says how long it took.
    pub(crate) async fn document(&self, node: &str, path: &str) -> Result<(Value, Duration), BoxError> {
        let begun = self.history.now();
        let answer = self.http.get(format!("{node}{path}")).send().await?.error_for_status()?.json().await?;
        Ok((answer, self.history.now().saturating_sub(begun)))
    }

    async fn agree(&self, url: Url, node: &str, login: Login<'_>) -> Result<Answer, BoxError> {
        let opened = self.http.get(url).send().await?;
        let cookies = cookies(opened.headers());
        let Some(request) =
            location(&opened).and_then(|to| to.strip_prefix("/login?request=").map(str::to_owned))
        else {
            return Ok(sent_back(opened).await);
        };
        let form = [
            ("request", &*request),
            ("subject", login.subject),
            ("session", login.session.unwrap_or("always")),
        ];
        let posted =
            self.http.post(format!("{node}/login")).form(&form).header(COOKIE, cookies).send().await?;
        Ok(sent_back(posted).await)
    }

    fn token_request(&self, node: &str, client: &str, form: &[(&str, &str)]) -> RequestBuilder {
        self.request(format!("{node}/token"), client, form)
    }

    /// A form with the credentials of a client.
    fn request(&self, url: String, client: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let request = self.http.post(url);
        if client == "spa" {
            return request.form(&[form, &[("client_id", client)]].concat());
        }
        request.form(form).basic_auth(client, Some(&*self.secret))
    }

    async fn ask(&self, call: Call, request: RequestBuilder, read: fn(&Value) -> Option<Answer>) -> Answer {
        let begun = self.history.now();
        let answer = match request.send().await {
            Ok(response) if response.status() == StatusCode::OK => match response.bytes().await {
                Ok(body) => {
                    let body = serde_json::from_slice(&body).unwrap_or_default();
                    read(&body).unwrap_or_else(|| Answer::Fault("a 200 that says nothing".to_owned()))
                }
                Err(_) => Answer::Lost,
            },
            Ok(response) => refusal(response).await,
            Err(_) => Answer::Lost,
        };
        self.history.note(begun, call, answer.clone());
        answer
    }
}

/// The end of an assertion that is made now.
pub(crate) fn assertion_expiry() -> i64 {
    SystemClock.now().unix() + ASSERTION_LIFETIME
}

/// The tokens of a response.
fn tokens(body: &Value) -> Option<Answer> {
    let text = |name: &str| body[name].as_str().map(Text::from);
    Some(Answer::Tokens(Tokens {
        access: text("access_token")?,
        refresh: text("refresh_token"),
        id: text("id_token"),
    }))
}

/// What a response says that is no success.
async fn refusal(response: Response) -> Answer {
    let (status, told) = (response.status(), response.headers().contains_key(RETRY_AFTER));
    let Ok(body) = response.bytes().await else { return Answer::Lost };
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    match (status, body["error"].as_str()) {
        (StatusCode::SERVICE_UNAVAILABLE, _) if told => Answer::Unavailable,
        (StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED, Some(error)) => {
            let description = body["error_description"].as_str().unwrap_or_default();
            Answer::Refused(format!("{error}: {description}"))
        }
        _ => Answer::Fault(format!("{status}, with Retry-After: {told}")),
    }
}

/// What a browser brings back to the client.
async fn sent_back(response: Response) -> Answer {
    let Some(landing) = location(&response).and_then(|to| Url::parse(to).ok()) else {
        return refusal(response).await;
    };
    let one = |name: &str| {
        landing.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    };
    match (one("code"), one("error")) {
        (Some(code), None) => Answer::Code(code.into()),
        (None, Some(error)) if error == "temporarily_unavailable" => Answer::Unavailable,
        (None, Some(error)) if error == "server_error" => Answer::Fault(error),
        (None, Some(error)) => Answer::Refused(error),
        _ => Answer::Fault("a landing without a code and without an error".to_owned()),
    }
}

fn location(response: &Response) -> Option<&str> {
    response.headers().get(LOCATION)?.to_str().ok()
}

/// What a browser sends back of the cookies it was given.
fn cookies(headers: &HeaderMap) -> String {
    let given =
        headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
    given.collect::<Vec<_>>().join("; ")
}
