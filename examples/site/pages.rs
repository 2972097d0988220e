//! Pages: templates that escape, one style sheet, and the headers that keep a page safe.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use sha2::{Digest as _, Sha256};
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
    policy: HeaderValue,
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
        let style = BASE64_STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        // No form-action: browsers hold every redirect that follows a form against it, and only the client
        // knows where its own callback leads.
        let policy = format!("default-src 'none'; style-src 'sha256-{style}'; img-src data:");
        let policy = HeaderValue::try_from(policy).expect("base64 is printable ASCII");
        Ok(Self { templates: environment, policy })
    }

    /// The page `template` with the values of `context`.
    ///
    /// A template that does not render is a fault of ours; the visitor sees that much and no more.
    pub(crate) fn show(&self, status: StatusCode, template: &str, context: Value) -> Response {
        let page = self.templates.get_template(template).and_then(|template| template.render(context));
        let Ok(page) = page else {
            return PlainErrorPage.page(Reason::InternalFault);
        };
        let mut response = Response::new(Bytes::from(page));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        reply::security_headers(headers);
        response
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
