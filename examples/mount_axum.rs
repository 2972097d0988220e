//! A provider in an axum application that has users, sessions and a login page of its own.
//! `cargo run --example mount_axum`
//!
//! `main` mounts it. The module `bakery` is the application as it was; the module `sign_in` is what the provider
//! adds to it: what may be said of the users, who is signed in, and a page that asks for consent.

use std::sync::Arc;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};
use vouchsafe::adapters::axum::router;
use vouchsafe::client::ClientSecret;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::wire::reply;
use vouchsafe::{
    BoxError, Client, ClientId, ClientMetadata, Config, GrantType, Keyring, MemoryStore, Mount, Provider,
    RedirectUri, Scope, Secret, SigningAlg, Stores, SystemSecrets,
};

use bakery::Bakery;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4444".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    let url = format!("http://{}", listener.local_addr()?);

    let bakery = Arc::new(Bakery::default());
    let mount = Mount::new(provider(&url, &bakery)?, Arc::<Bakery>::clone(&bakery));
    let pages = Router::new()
        .route("/", get(bakery::home))
        .route("/login", get(sign_in::login_page).post(sign_in::login))
        .route("/logout", post(bakery::logout))
        .route("/consent", get(sign_in::consent_page).post(sign_in::consent))
        .layer(map_response(async |mut page: Response| {
            // No other site may frame these pages, and they tell no other site where the visitor was.
            reply::security_headers(page.headers_mut());
            page
        }));
    let app = pages.merge(router(mount.clone())).with_state(bakery::Site { bakery, mount });
    println!("listening on {url}");
    Ok(axum::serve(listener, app).await?)
}

/// A provider for the users of the bakery, with one client: the cake club's web site.
fn provider(issuer: &str, bakery: &Arc<Bakery>) -> Result<Provider, BoxError> {
    let secrets = SystemSecrets::generate(&OsEntropy)?;
    let metadata = ClientMetadata::code_flow([RedirectUri::register("https://cake-club.example/callback")?])
        .with_name("The Cake Club")
        .with_scope(Scope::parse("openid profile email offline_access")?)
        .with_grant_type(GrantType::RefreshToken);
    // Made once, shown to the client once, and kept as the hash that goes into the registry.
    let secret = ClientSecret::hash(&secrets, &Secret::new("cake-club-secret-of-at-least-128-random-bits"));
    let store = MemoryStore::new();
    store.insert_client(Client::builder(ClientId::new("cake-club")?, metadata).secret(secret).build()?);

    let keyring = Keyring::generate(&[SigningAlg::Rs256, SigningAlg::Es256])?;
    let config = Config::new(issuer.parse()?);
    Ok(Provider::builder(config, Stores::of(Arc::new(store)), keyring, secrets)
        .accounts(Arc::<Bakery>::clone(bakery))
        .with_authorization_code()
        .with_refresh_token()
        .with_revocation()
        .build()?)
}

/// The application as it was: customers, their sessions, and pages.
mod bakery {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
    use std::time::Duration;

    use axum::extract::{Form, State};
    use axum::response::{Html, IntoResponse as _, Redirect, Response};
    use http::header::SET_COOKIE;
    use http::{HeaderMap, StatusCode};
    use serde::Deserialize;
    use vouchsafe::clock::{Clock as _, SystemClock, Timestamp};
    use vouchsafe::entropy::{EntropyError, OsEntropy};
    use vouchsafe::secret::{Secret, TokenHash, generate};
    use vouchsafe::{Mount, wire};

    /// How long a login lasts.
    pub(crate) const LOGIN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

    /// Behind https both are called `__Host-…` and are `Secure`.
    const SESSION_COOKIE: &str = "bakery_session";
    const FORM_COOKIE: &str = "bakery_form";

    /// The state of the application's handlers.
    #[derive(Clone)]
    pub(crate) struct Site {
        pub(crate) bakery: Arc<Bakery>,
        pub(crate) mount: Mount,
    }

    /// Who is signed in, by the hash of the cookie: who reads this table cannot use it.
    #[derive(Debug, Default)]
    pub(crate) struct Bakery(Mutex<HashMap<TokenHash, Login>>);

    /// One login of one customer.
    #[derive(Clone, Debug)]
    pub(crate) struct Login {
        pub(crate) customer: &'static Customer,
        /// Its name for the rest of the world. It is never the cookie.
        pub(crate) name: String,
        pub(crate) since: Timestamp,
    }

    #[derive(Debug)]
    pub(crate) struct Customer {
        pub(crate) id: &'static str,
        pub(crate) email: &'static str,
        pub(crate) name: &'static str,
        password: &'static str,
    }

    /// The customers. A shop of its own would keep Argon2id hashes in a database.
    static CUSTOMERS: [Customer; 1] =
        [Customer { id: "c-1", email: "alice@example.org", name: "Alice Liddell", password: "wonderland" }];

    impl Bakery {
        /// The customer of this id.
        pub(crate) fn customer(id: &str) -> Option<&'static Customer> {
            CUSTOMERS.iter().find(|customer| customer.id == id)
        }

        /// Who is signed in in this browser.
        pub(crate) fn login(&self, headers: &HeaderMap) -> Option<Login> {
            let cookie = wire::cookie(headers, SESSION_COOKIE)?;
            let login = self.logins().get(&TokenHash::of(&cookie)).cloned()?;
            let ended = login.since.plus(LOGIN_LIFETIME).has_passed(SystemClock.now());
            (!ended).then_some(login)
        }

        /// Checks a password and signs in, under a new cookie: whatever the browser brought is over, so that nobody
        /// can have planted it (session fixation).
        pub(crate) fn sign_in(
            &self,
            headers: &HeaderMap,
            email: &str,
            password: &str,
        ) -> Result<Option<(Login, String)>, EntropyError> {
            let right = |customer: &&Customer| {
                customer.email == email && Secret::new(customer.password) == Secret::new(password)
            };
            let Some(customer) = CUSTOMERS.iter().find(right) else { return Ok(None) };
            self.sign_out(headers);
            let (cookie, name) = (generate(&OsEntropy, 256)?, generate(&OsEntropy, 128)?);
            let login = Login { customer, name: name.expose().to_owned(), since: SystemClock.now() };
            self.logins().insert(TokenHash::of(cookie.expose()), login.clone());
            Ok(Some((login, set_cookie(SESSION_COOKIE, cookie.expose()))))
        }

        pub(crate) fn sign_out(&self, headers: &HeaderMap) {
            if let Some(cookie) = wire::cookie(headers, SESSION_COOKIE) {
                self.logins().remove(&TokenHash::of(&cookie));
            }
        }

        fn logins(&self) -> MutexGuard<'_, HashMap<TokenHash, Login>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    pub(crate) async fn home(State(site): State<Site>, headers: HeaderMap) -> Response {
        let body = match site.bakery.login(&headers) {
            Some(login) => format!(
                r#"<p>Good morning, {}.</p>
                <form method="post" action="/logout">{TOKEN}<button type="submit">Sign out</button></form>"#,
                escape(login.customer.name)
            ),
            None => r#"<p><a href="/login">Sign in</a> to order bread.</p>"#.to_owned(),
        };
        page(&headers, "The bakery", &body)
    }

    pub(crate) async fn logout(
        State(site): State<Site>,
        headers: HeaderMap,
        Form(form): Form<LogoutForm>,
    ) -> Response {
        if !is_ours(&headers, &form.form_token) {
            return StatusCode::FORBIDDEN.into_response();
        }
        site.bakery.sign_out(&headers);
        Redirect::to("/").into_response()
    }

    /// Stands in a page where a form's token goes.
    pub(crate) const TOKEN: &str = "<!--token-->";

    #[derive(Deserialize)]
    pub(crate) struct LogoutForm {
        form_token: String,
    }

    /// Whether a form was shown by us: its hidden field repeats a cookie of this browser, which no other site can read.
    pub(crate) fn is_ours(headers: &HeaderMap, form_token: &str) -> bool {
        wire::cookie(headers, FORM_COOKIE)
            .is_some_and(|cookie| Secret::new(cookie) == Secret::new(form_token))
    }

    /// A page, each of its forms with a token. `body` is HTML.
    pub(crate) fn page(headers: &HeaderMap, title: &str, body: &str) -> Response {
        let known = wire::cookie(headers, FORM_COOKIE).filter(|token| token.len() == 43);
        let Some(token) = known.or_else(|| Some(generate(&OsEntropy, 256).ok()?.expose().to_owned())) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let field = format!(r#"<input type="hidden" name="form_token" value="{}">"#, escape(&token));
        let html = format!(r#"<!doctype html><html lang="en"><title>{title}</title><h1>{title}</h1>{body}"#);
        ([(SET_COOKIE, set_cookie(FORM_COOKIE, &token))], Html(html.replace(TOKEN, &field))).into_response()
    }

    pub(crate) fn escape(text: &str) -> String {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;")
    }

    fn set_cookie(name: &str, value: &str) -> String {
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax")
    }
}

/// What the provider adds to the application.
mod sign_in {
    use axum::extract::{Form, Query, State};
    use axum::response::{IntoResponse as _, Redirect, Response};
    use http::header::SET_COOKIE;
    use http::{HeaderMap, StatusCode};
    use serde::Deserialize;
    use vouchsafe::adapters::axum::response;
    use vouchsafe::provider::{LoginNeed, PendingAuthorization};
    use vouchsafe::{
        AccountQuery, Accounts, Approval, Authentication, BoxError, Claims, Denial, Interaction, Needs,
        Question, Request, SessionId, Subject, async_trait, wire,
    };

    use super::bakery::{Bakery, LOGIN_LIFETIME, Login, Site, TOKEN, escape, is_ours, page};

    #[async_trait]
    impl Accounts for Bakery {
        async fn claims(&self, query: AccountQuery<'_>) -> Result<Option<Claims>, BoxError> {
            let customer = Self::customer(query.subject.as_str());
            Ok(customer.map(|customer| {
                let claims = Claims::new().with("name", customer.name);
                claims.with("email", customer.email).with("email_verified", true)
            }))
        }
    }

    #[async_trait]
    impl Interaction for Bakery {
        async fn authentication(&self, request: &Request) -> Result<Option<Authentication>, BoxError> {
            self.login(request.headers()).as_ref().map(authentication).transpose()
        }

        async fn ask(&self, question: Question<'_>) -> Result<wire::Response, BoxError> {
            Ok(match question.needs {
                // There is only one way to sign in here, so asking again would not help.
                Needs::Login(LoginNeed::Acr) => question.deny(Denial::Acr).await,
                Needs::Consent(_) => question.redirect("/consent"),
                _ => question.redirect("/login"),
            })
        }
    }

    fn authentication(login: &Login) -> Result<Authentication, BoxError> {
        Ok(Authentication::new(Subject::new(login.customer.id)?, login.since)
            .with_amr(["pwd"])
            .with_session(SessionId::new(&*login.name)?)
            .with_session_end(login.since.plus(LOGIN_LIFETIME)))
    }

    /// The parameters of a page: the sealed authorization request that it is for, or nothing.
    #[derive(Deserialize)]
    pub(crate) struct For {
        request: Option<String>,
    }

    pub(crate) async fn login_page(
        State(site): State<Site>,
        headers: HeaderMap,
        Query(query): Query<For>,
    ) -> Response {
        // A request that cannot go on is refused before anybody enters a password for it.
        if let Some(sealed) = &query.request
            && let Err(refusal) = site.mount.resume(sealed, &headers).await
        {
            return response(refusal);
        }
        login_form(&headers, query.request.as_deref(), "")
    }

    fn login_form(headers: &HeaderMap, sealed: Option<&str>, problem: &str) -> Response {
        let request = sealed.map(hidden).unwrap_or_default();
        let form = format!(
            r#"<form method="post" action="/login">{TOKEN}{request}
            <p>{problem}</p>
            <p><label>E-mail <input name="email" type="email" autocomplete="username" required></label></p>
            <p><label>Password <input name="password" type="password" required></label></p>
            <button type="submit" id="login-submit">Sign in</button></form>"#
        );
        page(headers, "Sign in", &form)
    }

    #[derive(Deserialize)]
    pub(crate) struct LoginForm {
        form_token: String,
        request: Option<String>,
        email: String,
        password: String,
    }

    pub(crate) async fn login(
        State(site): State<Site>,
        headers: HeaderMap,
        Form(form): Form<LoginForm>,
    ) -> Response {
        if !is_ours(&headers, &form.form_token) {
            return StatusCode::FORBIDDEN.into_response();
        }
        let (login, cookie) = match site.bakery.sign_in(&headers, &form.email, &form.password) {
            Ok(Some(signed_in)) => signed_in,
            Ok(None) => {
                return login_form(&headers, form.request.as_deref(), "That is not right. Try again.");
            }
            Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
        let next = match &form.request {
            None => Redirect::to("/").into_response(),
            Some(sealed) => go_on(&site, &headers, sealed, &login).await,
        };
        ([(SET_COOKIE, cookie)], next).into_response()
    }

    /// Goes on with the authorization request for which somebody has signed in.
    async fn go_on(site: &Site, headers: &HeaderMap, sealed: &str, login: &Login) -> Response {
        let Ok(authentication) = authentication(login) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        response(match site.mount.resume(sealed, headers).await {
            Ok(pending) => site.mount.proceed(pending, Some(&authentication)).await,
            Err(refusal) => refusal,
        })
    }

    pub(crate) async fn consent_page(
        State(site): State<Site>,
        headers: HeaderMap,
        Query(query): Query<For>,
    ) -> Response {
        let sealed = query.request.unwrap_or_default();
        let pending = match site.mount.resume(&sealed, &headers).await {
            Ok(pending) => pending,
            Err(refusal) => return response(refusal),
        };
        match site.bakery.login(&headers) {
            Some(login) => page(&headers, "May they?", &consent_form(&sealed, &pending, &login)),
            None => login_form(&headers, Some(&sealed), ""),
        }
    }

    /// Shows who asks, for what, from whom, and where the answer goes.
    fn consent_form(sealed: &str, pending: &PendingAuthorization, login: &Login) -> String {
        let client = pending.client();
        let name = client.metadata().client_name.as_deref().unwrap_or(client.id().as_str());
        let scope: String =
            pending.request().scope.iter().map(|token| format!("<li>{}", escape(token))).collect();
        format!(
            r#"<p>{}, <b>{}</b> asks for:</p><ul>{scope}</ul><p>You will be sent to {}.</p>
            <form method="post" action="/consent">{TOKEN}{}
            <input type="hidden" name="account" value="{}">
            <button type="submit" name="answer" value="allow" id="consent-allow">Allow</button>
            <button type="submit" name="answer" value="deny" id="consent-deny">Deny</button></form>"#,
            escape(login.customer.name),
            escape(name),
            escape(pending.redirect_uri().as_str()),
            hidden(sealed),
            escape(login.customer.id),
        )
    }

    #[derive(Deserialize)]
    pub(crate) struct ConsentForm {
        form_token: String,
        request: String,
        account: String,
        answer: String,
    }

    pub(crate) async fn consent(
        State(site): State<Site>,
        headers: HeaderMap,
        Form(form): Form<ConsentForm>,
    ) -> Response {
        // Who agrees is who was asked: somebody else may have signed in in another tab meanwhile.
        let login = site.bakery.login(&headers).filter(|login| login.customer.id == form.account);
        let (Some(login), true) = (login, is_ours(&headers, &form.form_token)) else {
            return StatusCode::FORBIDDEN.into_response();
        };
        let pending = match site.mount.resume(&form.request, &headers).await {
            Ok(pending) => pending,
            Err(refusal) => return response(refusal),
        };
        let Ok(authentication) = authentication(&login) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        // What is granted is the scope of the sealed request, which is what the page has shown.
        let scope = pending.request().scope.clone();
        response(match form.answer.as_str() {
            "allow" => site.mount.approve(pending, Approval::new(authentication, scope).remembered()).await,
            _ => site.mount.deny(&pending, Denial::Person).await,
        })
    }

    fn hidden(sealed: &str) -> String {
        format!(r#"<input type="hidden" name="request" value="{}">"#, escape(sealed))
    }
}
