//! Pages: templates that escape, one style sheet, and the headers that keep a page safe.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use sha2::{Digest as _, Sha256};
use url::{Host, Url};
use vouchsafe::error::Reason;
use vouchsafe::provider::{ErrorPage, PlainErrorPage};
use vouchsafe::wire::{Response, reply};

/// The only style sheet; it stands in every page, so a page needs nothing else from anywhere (attack 48).
const STYLE: &str = include_str!("templates/style.css");

/// The templates that every site has.
const TEMPLATES: [(&str, &str); 2] = [
    ("base.html", include_str!("templates/base.html")),
    ("rejected.html", include_str!("templates/rejected.html")),
];

/// The pages of one site.
#[derive(Debug)]
pub(crate) struct Pages {
    templates: Environment<'static>,
    style_policy: String,
}

/// What one page may do beside showing text in the style of the site.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowed {
    /// The origin of a picture, from [`picture_origin`].
    pub picture: Option<String>,
    /// The one script that the page holds.
    pub script: Option<&'static str>,
}

impl Pages {
    /// Pages headed by the name of the `service`, from `templates`: pairs of name and source.
    pub(crate) fn new(
        service: &str,
        templates: impl IntoIterator<Item = (&'static str, &'static str)>,
    ) -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.add_global("service", service);
        environment.add_global("style", STYLE);
        for (name, source) in TEMPLATES.into_iter().chain(templates) {
            environment.add_template(name, source)?;
        }
        // No form-action: browsers hold every redirect that follows a form against it, and only the client
        // knows where its own callback leads.
        let style_policy = format!("default-src 'none'; style-src {}", source_hash(STYLE));
        Ok(Self { templates: environment, style_policy })
    }

    /// The page `template` with the values of `context`.
    ///
    /// A template that does not render is a fault of ours; the visitor sees that much and no more.
    pub(crate) fn show(&self, status: StatusCode, template: &str, context: Value) -> Response {
        self.show_allowing(&Allowed::default(), status, template, context)
    }

    /// The page `template` with the values of `context`, which may do what is `allowed`.
    pub(crate) fn show_allowing(
        &self,
        allowed: &Allowed,
        status: StatusCode,
        template: &str,
        context: Value,
    ) -> Response {
        let page = self.templates.get_template(template).and_then(|template| template.render(context));
        let Ok(page) = page else {
            return PlainErrorPage.page(Reason::InternalFault);
        };
        let mut response = Response::new(Bytes::from(page));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CONTENT_SECURITY_POLICY, self.policy(allowed));
        reply::security_headers(headers);
        response
    }

    fn policy(&self, allowed: &Allowed) -> HeaderValue {
        let mut policy = format!("{}; img-src data:", self.style_policy);
        if let Some(origin) = &allowed.picture {
            policy.push(' ');
            policy.push_str(origin);
        }
        if let Some(script) = allowed.script {
            policy.push_str("; script-src ");
            policy.push_str(&source_hash(script));
        }
        HeaderValue::try_from(policy).expect("origins and base64 are printable ASCII")
    }

    /// A page headed "Request rejected", and why.
    pub(crate) fn rejected(&self, status: StatusCode, sentence: &str) -> Response {
        self.show(status, "rejected.html", context! { sentence })
    }
}

/// The provider's own refusals look like the rest of the site.
impl ErrorPage for Pages {
    fn page(&self, reason: Reason) -> Response {
        self.rejected(reply::status(reason), &reason.description())
    }
}

/// The origin that a page must allow to show the picture at `uri`, if a policy can name it and nothing beside it.
pub(crate) fn picture_origin(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok().filter(|url| url.scheme() == "https")?;
    // A semicolon would begin another directive.
    let is_plain = |host: &str| host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    match url.host()? {
        Host::Domain(host) => is_plain(host).then(|| url.origin().ascii_serialization()),
        // Content Security Policy 3 section 6.7.2.9: no other address matches.
        Host::Ipv4(address) => {
            (address.octets() == [127, 0, 0, 1]).then(|| url.origin().ascii_serialization())
        }
        Host::Ipv6(_) => None,
    }
}

fn source_hash(source: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(source.as_bytes())))
}
