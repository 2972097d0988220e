//! Addresses that a stranger names, for the provider to ask or for a browser to be sent to.

use url::{Host, Url};

use crate::client::ClientMetadata;
use crate::types::{FetchUrl, RequestUri};
use crate::wire::is_public;

/// Names below which only machines of the same network are found (RFC 6761 section 6.3, RFC 6762 section 3, and what
/// ICANN keeps for private use).
const INNER_DOMAINS: [&str; 3] = ["internal", "local", "localhost"];

/// Whether all that the provider asks, and every page, is of a public host. Redirect URIs, those after a logout among
/// them, may be of the person's own device (RFC 8252 section 7).
///
/// What a name leads to is seen when it is asked, by [`HttpClient`](crate::wire::HttpClient). This tells strangers at
/// once, and keeps links into the network of whoever follows them off the host's pages.
pub(super) fn all_lead_out(metadata: &ClientMetadata) -> bool {
    let asked = [
        &metadata.backchannel_logout_uri,
        &metadata.frontchannel_logout_uri,
        &metadata.jwks_uri,
        &metadata.sector_identifier_uri,
    ];
    let asked = asked.into_iter().flatten().chain(metadata.request_uris.iter().map(RequestUri::url));
    let pages = [
        &metadata.client_uri,
        &metadata.initiate_login_uri,
        &metadata.logo_uri,
        &metadata.policy_uri,
        &metadata.tos_uri,
    ];
    let pages = pages.into_iter().flatten().map(String::as_str);
    let localized = metadata.localized.iter().filter(|(name, ..)| *name != "client_name");
    let texts = pages.chain(localized.map(|(.., text)| text));
    // A page without https is refused for its form, when the client is put together.
    let pages = texts.filter(|page| page.starts_with("https://"));
    asked.map(FetchUrl::as_str).chain(pages).all(leads_out)
}

/// Whether the host of a URL is a public address, or a name that others than the machines of one network know.
fn leads_out(url: &str) -> bool {
    match Url::parse(url).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => {
            // Pages may be written with the final dot of a name.
            let name = name.strip_suffix('.').unwrap_or(name);
            name.rsplit_once('.').is_some_and(|(_, top)| !INNER_DOMAINS.contains(&top))
        }
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_hosts_lead_out() {
        for url in [
            "https://rp.example",
            "https://rp.example./",
            "https://localhost.rp.example/",
            "https://internal.example/",
            "https://93.184.216.34/",
            "https://[2606:4700::1111]:8443/",
        ] {
            assert!(leads_out(url), "{url}");
        }
    }

    /// attack 207, attack 208: however it is spelt.
    #[test]
    fn hosts_of_a_network_do_not() {
        for url in [
            "https://localhost/",
            "https://LOCALHOST:8443/",
            "https://localhost./",
            "https://rp.localhost/",
            "https://printer.local/",
            "https://metadata.google.internal/",
            "https://metadata.google.internal./",
            "https://intranet/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://10.0.0.1/",
            "https://169.254.169.254/",
            "https://192.168.0.1:8443/",
            "https://0.0.0.0/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "not a url",
        ] {
            assert!(!leads_out(url), "{url}");
        }
    }
}
