//! The pages of a device: one where its code is typed, one that asks, and one that says that it is done.

use http::StatusCode;

use super::Response;
use super::page::{STYLE, escape, open, page, source_hash};

/// A page with a field, of the id `user-code`, and a button, of the id `device-submit`, that posts it with `form` to
/// `action`. A code that came in the address stands in the field, for the person to compare.
#[must_use]
pub fn device_code_page((action, form): (&str, &str), user_code: Option<&str>, missed: bool) -> Response {
    let mut body = String::with_capacity(STYLE.len() + 4096);
    open(&mut body, "Connect a device");
    if missed {
        body.push_str(
            "<p id=\"device-missed\" role=\"alert\">No device waits with this code. Look at it again.</p>\n",
        );
    }
    let hint = match user_code {
        Some(_) => "Go on only if your device shows this code.",
        None => "Type the code that your device shows.",
    };
    body.push_str(&format!("<p>{hint}</p>\n"));
    open_form(&mut body, action, ("form", form));
    body.push_str(
        "<p><label for=\"user-code\">Code</label> <input id=\"user-code\" name=\"user_code\" required ",
    );
    body.push_str(
        "maxlength=\"64\" autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" value=\"",
    );
    escape(&mut body, user_code.unwrap_or_default());
    body.push_str("\"></p>\n<button type=\"submit\" id=\"device-submit\">Continue</button>\n</form>\n");
    close(body)
}

/// A page that asks whether the client `name` may have `scope` at `resources`. Its buttons, of the ids `device-allow` and `device-deny`,
/// post `confirmation` and an `answer` to `action`.
#[must_use]
pub fn device_consent_page(
    (action, confirmation): (&str, &str),
    name: &str,
    (scope, resources): (&str, &[String]),
    user_code: &str,
) -> Response {
    let mut body = String::with_capacity(STYLE.len() + 4096);
    open(&mut body, "Allow this device?");
    body.push_str("<p><strong id=\"client-name\">");
    escape(&mut body, name);
    body.push_str(
        "</strong> asks for access to your account from a device.</p>\n<p>It asks for: <span id=\"scope\">",
    );
    escape(&mut body, scope);
    body.push_str("</span></p>\n");
    if !resources.is_empty() {
        body.push_str("<p>It would act for you at:</p>\n<ul id=\"resources\">\n");
        for resource in resources {
            body.push_str("<li>");
            escape(&mut body, resource);
            body.push_str("</li>\n");
        }
        body.push_str("</ul>\n");
    }
    body.push_str("<p>Allow it only if you hold the device, and it shows the code ");
    body.push_str("<strong id=\"device-code\">");
    escape(&mut body, user_code);
    body.push_str("</strong>. If somebody sent you the code, deny it.</p>\n");
    open_form(&mut body, action, ("confirmation", confirmation));
    for (answer, text) in [("allow", "Allow"), ("deny", "Deny")] {
        body.push_str(&format!(
            "<p><button type=\"submit\" id=\"device-{answer}\" name=\"answer\" value=\"{answer}\">{text}</button></p>\n"
        ));
    }
    body.push_str("</form>\n");
    close(body)
}

/// A page that says what was answered.
#[must_use]
pub fn device_answered_page(allowed: bool) -> Response {
    let mut body = String::with_capacity(STYLE.len() + 1024);
    let (title, sentence) = match allowed {
        true => ("Your device is connected", "Go on at your device. You can close this page."),
        false => ("Your device was denied", "It gets nothing. You can close this page."),
    };
    open(&mut body, title);
    body.push_str(&format!("<p>{sentence}</p>\n"));
    close(body)
}

fn open_form(body: &mut String, action: &str, (name, value): (&str, &str)) {
    body.push_str("<form method=\"post\" action=\"");
    escape(body, action);
    body.push_str(&format!("\">\n<input type=\"hidden\" name=\"{name}\" value=\""));
    escape(body, value);
    body.push_str("\">\n");
}

fn close(mut body: String) -> Response {
    body.push_str("</main>\n</body>\n</html>\n");
    let policy = format!(
        "default-src 'none'; form-action 'self'; style-src '{}'; frame-ancestors 'none'; base-uri 'none'",
        source_hash(STYLE)
    );
    page(StatusCode::OK, body, &policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// attack 224: the page names the client and the code, and what a client calls itself is text and nothing else.
    #[test]
    fn what_a_client_calls_itself_is_text() {
        let ask = |resources: &[String]| {
            device_consent_page(("/device/verify", "x"), "<b>\"TV\"</b>", ("openid", resources), "WDJB-MJHT")
        };
        let page = ask(&["https://a.example/<i>".to_owned(), "https://b.example".to_owned()]);
        let body = std::str::from_utf8(page.body()).unwrap();
        assert!(body.contains("&lt;b&gt;&quot;TV&quot;&lt;/b&gt;") && !body.contains("<b>"), "{body}");
        assert!(body.contains("WDJB-MJHT") && body.contains("openid"), "{body}");
        let listed = "<li>https://a.example/&lt;i&gt;</li>\n<li>https://b.example</li>";
        assert!(body.contains(listed), "{body}");
        let page = ask(&[]);
        assert!(!std::str::from_utf8(page.body()).unwrap().contains("resources"));
    }
}
