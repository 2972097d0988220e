//! Refusals that the person may bring to a client which nobody vouches for (RFC 9700 section 4.11.2).

use http::StatusCode;

use super::Response;
use super::page::{STYLE, escape, open, open_form, page, place, source, source_hash};
use crate::types::{Params, RedirectUri};

/// A page headed "Request rejected" that names the origin of `to` and leads to `location` there by a link of the id
/// `error-continue`, and not by itself.
///
/// The sentence is fixed text of ours, so that no input is reflected in it.
#[must_use]
pub fn error_link_page(refusal: (StatusCode, &'static str), to: &RedirectUri, location: &str) -> Response {
    let mut body = opened(refusal.1, to);
    body.push_str("<p><a id=\"error-continue\" rel=\"noreferrer\" href=\"");
    escape(&mut body, location);
    body.push_str(&format!("\">Continue to {}</a></p>\n</main>\n</body>\n</html>\n", place(to.as_str())));
    page(refusal.0, body, &policy("'none'"))
}

/// The same page with a button that posts `params` to `to`.
#[must_use]
pub fn error_form_page(refusal: (StatusCode, &'static str), to: &RedirectUri, params: &Params) -> Response {
    let mut body = opened(refusal.1, to);
    open_form(&mut body, to, params);
    body.push_str("<button type=\"submit\" id=\"error-continue\">Continue to ");
    body.push_str(&place(to.as_str()));
    body.push_str("</button>\n</form>\n</main>\n</body>\n</html>\n");
    page(refusal.0, body, &policy(&source(to.as_str())))
}

fn opened(sentence: &str, to: &RedirectUri) -> String {
    let mut body = String::with_capacity(STYLE.len() + 4096);
    open(&mut body, "Request rejected");
    body.push_str("<p>");
    escape(&mut body, sentence);
    body.push_str("</p>\n<p>An application at ");
    body.push_str(&place(to.as_str()));
    body.push_str(" asked for this. Go on only if you know it.</p>\n");
    body
}

fn policy(form_action: &str) -> String {
    format!(
        "default-src 'none'; form-action {form_action}; style-src '{}'; frame-ancestors 'none'; base-uri 'none'",
        source_hash(STYLE)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_with_the_request_never_becomes_markup() {
        let to = RedirectUri::register("com.example.app:/cb").unwrap();
        let hostile = "\"><script>alert(1)</script>";
        let link = error_link_page((StatusCode::BAD_REQUEST, "a & b"), &to, hostile);
        let params = Params::from_pairs([("state", hostile)]);
        let form = error_form_page((StatusCode::BAD_REQUEST, "a & b"), &to, &params);
        for page in [&link, &form] {
            let body = std::str::from_utf8(page.body()).unwrap();
            assert!(body.contains("<h1>Request rejected</h1>\n<p>a &amp; b</p>"), "{body}");
            assert!(body.contains("Continue to com.example.app:/cb") && !body.contains("<script"), "{body}");
            assert!(body.contains("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\">"), "{body}");
        }
        let policy = |page: &Response| page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy(&link).contains("; form-action 'none'; ") && !policy(&link).contains("script-src"));
        assert!(policy(&form).contains("; form-action com.example.app:; "), "{}", policy(&form));
    }
}
