//! One cookie of ours: its name, its attributes, and reading it back.

use http::HeaderValue;
use vouchsafe::secret::Secret;
use vouchsafe::wire::{Request, RequestHead};

/// Most bytes in a value that is worth looking up.
const MAX_VALUE_BYTES: usize = 128;

/// A cookie that scripts cannot read and other sites' forms do not send.
#[derive(Clone, Debug)]
pub(crate) struct Cookie {
    name: String,
    secure: bool,
}

impl Cookie {
    /// On https its name begins with `__Host-`, so that no other host and no http page can set it; on http,
    /// which is for loopback only, browsers would refuse that name.
    pub(crate) fn new(name: &str, secure: bool) -> Self {
        Self { name: if secure { format!("__Host-{name}") } else { name.to_owned() }, secure }
    }

    /// The value that the browser sent; `None` also when it sent two, since one of them is not ours.
    pub(crate) fn read(&self, request: &Request) -> Option<Secret> {
        let head = RequestHead::read(request).ok()?;
        let value = head.cookie(&self.name)?;
        (!value.is_empty() && value.len() <= MAX_VALUE_BYTES).then(|| Secret::new(value))
    }

    /// Sets the cookie until the browser closes; how long the value counts is decided here, not there.
    pub(crate) fn set(&self, value: &Secret) -> HeaderValue {
        self.header(value.expose(), "")
    }

    /// Takes the cookie away.
    pub(crate) fn clear(&self) -> HeaderValue {
        self.header("", "; Max-Age=0")
    }

    fn header(&self, value: &str, end: &str) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{end}", self.name);
        let mut header = HeaderValue::try_from(text).expect("names are literals and values are base64url");
        header.set_sensitive(true);
        header
    }
}
