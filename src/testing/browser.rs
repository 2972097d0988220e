//! A browser without a screen and without a network: it keeps cookies, and sees where a response leads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderValue, StatusCode};

use crate::types::Params;
use crate::wire::{Request, Response};

/// A cookie jar for one site, which clones share. It knows of cookies no more than their names and values, and that
/// `Max-Age=0` removes one.
#[derive(Clone, Debug, Default)]
pub struct Browser(Arc<Mutex<BTreeMap<String, String>>>);

impl Browser {
    /// A browser without cookies.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the cookies to a request.
    ///
    /// # Panics
    /// When a cookie that was set by hand cannot stand in a header.
    pub fn send_cookies(&self, request: &mut Request) {
        let pairs: Vec<_> = self.jar().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !pairs.is_empty() {
            let value = HeaderValue::try_from(pairs.join("; ")).expect("cookies are printable");
            request.headers_mut().append(COOKIE, value);
        }
    }

    /// Keeps and removes cookies as a response says.
    pub fn receive_cookies(&self, response: &Response) {
        for header in response.headers().get_all(SET_COOKIE) {
            let text = String::from_utf8_lossy(header.as_bytes());
            let (pair, attributes) = text.split_once(';').unwrap_or((&text, ""));
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let ends =
                attributes.split(';').any(|attribute| attribute.trim().eq_ignore_ascii_case("max-age=0"));
            match ends {
                true => self.jar().remove(name.trim()),
                false => self.jar().insert(name.trim().to_owned(), value.trim().to_owned()),
            };
        }
    }

    /// The value of a cookie.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar().get(name).cloned()
    }

    /// The names of all cookies.
    #[must_use]
    pub fn cookie_names(&self) -> Vec<String> {
        self.jar().keys().cloned().collect()
    }

    /// Sets a cookie, as an attacker on a neighbouring host might.
    pub fn plant_cookie(&self, name: &str, value: &str) {
        self.jar().insert(name.to_owned(), value.to_owned());
    }

    /// Forgets every cookie.
    pub fn clear(&self) {
        self.jar().clear();
    }

    fn jar(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a response takes the browser, and with which parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Landing {
    /// The address, without the parameters that are in `params`.
    pub uri: String,
    /// How the parameters travel.
    pub carrier: Carrier,
    /// The parameters, those that the registered redirect URI has itself included.
    pub params: Params,
}

/// How the parameters of an authorization response travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Carrier {
    /// In the fragment of a redirect.
    Fragment,
    /// In a form that the page posts.
    Post,
    /// In the query of a redirect.
    Query,
}

impl Landing {
    /// Where `response` leads: by a 303, or by a page with one form; `None` for any other response.
    #[must_use]
    pub fn of(response: &Response) -> Option<Self> {
        match response.status() {
            StatusCode::SEE_OTHER => Self::redirect(response.headers().get(LOCATION)?.to_str().ok()?),
            StatusCode::OK => Self::form(std::str::from_utf8(response.body()).ok()?),
            _ => None,
        }
    }

    fn redirect(location: &str) -> Option<Self> {
        let (uri, carrier, params) = match location.split_once('#') {
            Some((uri, fragment)) => (uri, Carrier::Fragment, fragment),
            None => {
                let (uri, query) = location.split_once('?').unwrap_or((location, ""));
                (uri, Carrier::Query, query)
            }
        };
        let params = Params::parse(params.as_bytes()).ok()?;
        Some(Self { uri: uri.to_owned(), carrier, params })
    }

    fn form(page: &str) -> Option<Self> {
        let form = page.split_once("<form ")?.1.split_once("</form>")?.0;
        let uri = attribute(form, "action")?;
        let fields = form.split("<input ").skip(1).filter(|input| input.contains("type=\"hidden\""));
        let pairs: Option<Vec<_>> =
            fields.map(|input| Some((attribute(input, "name")?, attribute(input, "value")?))).collect();
        Some(Self { uri, carrier: Carrier::Post, params: Params::from_pairs(pairs?) })
    }
}

/// The value of an attribute in double quotes, its references resolved.
fn attribute(element: &str, name: &str) -> Option<String> {
    let opening = format!("{name}=\"");
    let value = element.split_once(opening.as_str())?.1.split_once('"')?.0;
    Some(unescape(value))
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, reference)) = rest.split_once('&') {
        plain.push_str(before);
        let (name, after) = reference.split_once(';').unwrap_or((reference, ""));
        let number = name.strip_prefix("#x").map_or_else(
            || name.strip_prefix('#').and_then(|decimal| decimal.parse().ok()),
            |hexadecimal| u32::from_str_radix(hexadecimal, 16).ok(),
        );
        plain.extend(match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => number.and_then(char::from_u32),
        });
        rest = after;
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::RedirectUri;
    use crate::wire::reply;

    #[test]
    fn cookies_are_kept_sent_and_removed() {
        let browser = Browser::new();
        let mut response = Response::default();
        let headers = response.headers_mut();
        headers.append(SET_COOKIE, HeaderValue::from_static("__Host-a=1; Path=/; Secure"));
        headers.append(SET_COOKIE, HeaderValue::from_static("b=2"));
        browser.receive_cookies(&response);
        let mut request = Request::default();
        browser.send_cookies(&mut request);
        assert_eq!(request.headers()[COOKIE], "__Host-a=1; b=2");
        let mut response = Response::default();
        response.headers_mut().append(SET_COOKIE, HeaderValue::from_static("b=; max-age=0"));
        browser.receive_cookies(&response);
        assert_eq!(browser.cookie_names(), ["__Host-a"]);
    }

    #[test]
    fn redirects_and_posted_forms_are_followed() {
        let landing = Landing::of(&reply::redirect("https://rp.example/cb?code=a+b&iss=c")).unwrap();
        assert_eq!((landing.uri.as_str(), landing.carrier), ("https://rp.example/cb", Carrier::Query));
        assert_eq!(landing.params.one("code"), Ok(Some("a b")));
        let landing = Landing::of(&reply::redirect("https://rp.example/cb?x=1#code=c")).unwrap();
        assert_eq!((landing.uri.as_str(), landing.carrier), ("https://rp.example/cb?x=1", Carrier::Fragment));
        let action = RedirectUri::register("https://rp.example/cb?x=1&y=2").unwrap();
        let params = Params::from_pairs([("state", "\"><script>'&amp;"), ("code", "c")]);
        let landing = Landing::of(&reply::form_post_page(&action, &params)).unwrap();
        assert_eq!((landing.uri.as_str(), landing.carrier), (action.as_str(), Carrier::Post));
        assert_eq!(landing.params, params);
    }
}
