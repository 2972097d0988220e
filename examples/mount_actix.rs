//! A provider in an actix application, without an adapter: `cargo run --example mount_actix`
//!
//! actix has HTTP types of its own. The two functions at the end turn its requests into those of the crate `http`,
//! and the answers back; that is all an adapter is. The rest is as in `mount_axum`, with fewer pages: a person signs
//! in by choosing a name, and what the client asks for is allowed or not on the same page.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, PayloadConfig};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer};
use http::Method;
use http::header::CONTENT_TYPE;
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::wire::{MAX_BODY_BYTES, form_post, query_or_form, reply};
use vouchsafe::{
    AccountQuery, Accounts, Approval, Authentication, BoxError, Claims, Client, ClientAuthMethod, ClientId,
    ClientMetadata, Config, Denial, Interaction, Keyring, MemoryStore, Mount, Provider, Question, Reason,
    RedirectUri, Request, Response, SigningAlg, Stores, Subject, SystemSecrets, async_trait,
};

#[actix_web::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4444".to_owned());
    let listener = std::net::TcpListener::bind(address)?;
    let url = format!("http://{}", listener.local_addr()?);
    let mount = Mount::new(provider(&url)?, Arc::new(Guests));

    println!("listening on {url}");
    let server = HttpServer::new(move || {
        let app = App::new()
            .app_data(Data::new(mount.clone()))
            // Beyond this actix answers 413 and reads no further.
            .app_data(PayloadConfig::new(MAX_BODY_BYTES))
            .route("/", web::get().to(HttpResponse::NoContent))
            .route("/consent", web::get().to(consent))
            .route("/consent", web::post().to(consent));
        let paths = mount.provider().paths();
        paths.fold(app, |app, (_, path)| app.route(path, web::route().to(endpoint)))
    });
    Ok(server.listen(listener)?.run().await?)
}

fn provider(issuer: &str) -> Result<Provider, BoxError> {
    let metadata = ClientMetadata::code_flow([RedirectUri::register("https://guest-book.example/callback")?])
        .with_name("The Guest Book")
        .with_auth_method(ClientAuthMethod::None);
    let store = MemoryStore::new();
    store.insert_client(Client::builder(ClientId::new("guest-book")?, metadata).build()?);
    let keyring = Keyring::generate(&[SigningAlg::Rs256])?;
    let secrets = SystemSecrets::generate(&OsEntropy)?;
    let config = Config::new(issuer.parse()?);
    Ok(Provider::builder(config, Stores::of(Arc::new(store)), keyring, secrets)
        .accounts(Arc::new(Guests))
        .with_authorization_code()
        .build()?)
}

/// People who are whoever they say they are.
#[derive(Debug)]
struct Guests;

#[async_trait]
impl Accounts for Guests {
    async fn claims(&self, query: AccountQuery<'_>) -> Result<Option<Claims>, BoxError> {
        Ok(Some(Claims::new().with("name", query.subject.as_str())))
    }
}

#[async_trait]
impl Interaction for Guests {
    async fn authentication(&self, _: &Request) -> Result<Option<Authentication>, BoxError> {
        Ok(None)
    }

    async fn ask(&self, question: Question<'_>) -> Result<Response, BoxError> {
        Ok(question.redirect("/consent"))
    }
}

/// Any endpoint of the provider.
async fn endpoint(mount: Data<Mount>, request: HttpRequest, body: Result<Bytes, Error>) -> HttpResponse {
    outgoing(match incoming(&request, body) {
        Ok(request) => mount.answer(&request).await,
        Err(reason) => mount.provider().refuse(request.path(), reason),
    })
}

/// Shows who asks for what, and takes the answer.
async fn consent(mount: Data<Mount>, request: HttpRequest, body: Result<Bytes, Error>) -> HttpResponse {
    let answered = match incoming(&request, body) {
        Ok(request) if request.method() == Method::POST => answer(&mount, &request).await,
        Ok(request) => page(&mount, &request).await,
        Err(reason) => Err(mount.provider().refusal_page(reason)),
    };
    let mut response = answered.unwrap_or_else(|refusal| refusal);
    reply::security_headers(response.headers_mut());
    outgoing(response)
}

async fn page(mount: &Mount, request: &Request) -> Result<Response, Response> {
    let refused = |reason| mount.provider().refusal_page(reason);
    let params = query_or_form(request).map_err(refused)?;
    let sealed = params.one("request").map_err(refused)?.unwrap_or_default();
    let pending = mount.resume(sealed, request.method(), request.headers()).await?;
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let name = escape(pending.client().metadata().client_name.as_deref().unwrap_or("Somebody"));
    let scope = escape(&pending.request().scope.to_string());
    // What could be resumed is base64url.
    let html = format!(
        r#"<!doctype html><html lang="en"><title>Who are you?</title><h1>Who are you?</h1>
        <p>{name} asks for: {scope}.</p>
        <form method="post" action="/consent"><input type="hidden" name="request" value="{sealed}">
        <label>Name <input name="name"></label>
        <button type="submit" name="answer" value="allow" id="consent-allow">Allow</button>
        <button type="submit" name="answer" value="deny" id="consent-deny">Deny</button></form>"#
    );
    let page = http::Response::builder().header(CONTENT_TYPE, "text/html; charset=utf-8").body(html.into());
    page.map_err(|_| refused(Reason::InternalFault))
}

/// The sealed request is also what tells our form from one of another site's: no other site has one that opens with
/// this browser's cookie. So it is resumed before anything is done.
async fn answer(mount: &Mount, request: &Request) -> Result<Response, Response> {
    let refused = |reason| mount.provider().refusal_page(reason);
    let params = form_post(request).map_err(refused)?;
    let one = |name| params.one(name).map(Option::unwrap_or_default);
    let pending = mount.resume(one("request").map_err(refused)?, request.method(), request.headers()).await?;
    match (one("answer").map_err(refused)?, Subject::new(one("name").map_err(refused)?)) {
        ("allow", Ok(subject)) => {
            let login = Authentication::new(subject, SystemClock.now());
            let scope = pending.request().scope.clone();
            Ok(mount.approve(pending, Approval::new(login, scope)).await)
        }
        _ => Ok(mount.deny(&pending, Denial::Person).await),
    }
}

/// A request of actix as one of the crate `http`. The path stays as it was sent.
fn incoming(request: &HttpRequest, body: Result<Bytes, Error>) -> Result<Request, Reason> {
    let body = body.map_err(|_| Reason::BodyTooLarge)?;
    let mut builder =
        http::Request::builder().method(request.method().as_str()).uri(request.uri().to_string());
    for (name, value) in request.headers() {
        builder = builder.header(name.as_str(), value.as_bytes());
    }
    builder.body(body).map_err(|_| Reason::NotFound)
}

/// A response of the crate `http` as one of actix.
fn outgoing(response: Response) -> HttpResponse {
    let (head, body) = response.into_parts();
    let status = StatusCode::from_u16(head.status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = HttpResponse::build(status);
    for (name, value) in &head.headers {
        builder.append_header((name.as_str(), value.as_bytes()));
    }
    builder.body(body)
}
