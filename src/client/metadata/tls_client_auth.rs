//! Which certificate a client authenticates with (RFC 8705 section 2.1.2).

use super::ClientMetadata;
use crate::client::{ClientAuthMethod, InvalidClient};
use crate::proof::{AlternativeName, Certificate};
use crate::types::is_rfc3986_text;

/// Most bytes in a host name, and in a mail address (RFC 1035 section 2.3.4, RFC 5321 section 4.5.3.1.3).
const MAX_NAME_BYTES: usize = 254;

/// Most bytes in a URI.
const MAX_URI_BYTES: usize = 2048;

impl ClientMetadata {
    /// Whether `certificate` is of the one subject that the client registered.
    ///
    /// A name is looked for where names of its kind stand, never in the subject, and has to be the only one
    /// of its kind: a certificate of several names is of several parties (attack 185).
    pub(crate) fn is_subject_of(&self, certificate: &Certificate) -> bool {
        if let Some(subject) = &self.tls_client_auth_subject_dn {
            return subject.is(certificate.subject());
        }
        let Some(expected) = self.expected_name() else { return false };
        let same_kind = |name: &&AlternativeName| {
            std::mem::discriminant::<AlternativeName>(name) == std::mem::discriminant(&expected)
        };
        let mut names = certificate.names().iter().filter(same_kind);
        names.next() == Some(&expected) && names.next().is_none()
    }

    fn expected_name(&self) -> Option<AlternativeName> {
        let dns = self.tls_client_auth_san_dns.clone().map(AlternativeName::Dns);
        let uri = || self.tls_client_auth_san_uri.clone().map(AlternativeName::Uri);
        let ip = || self.tls_client_auth_san_ip.map(AlternativeName::Ip);
        dns.or_else(uri)
            .or_else(ip)
            .or_else(|| self.tls_client_auth_san_email.clone().map(AlternativeName::Email))
    }

    pub(super) fn check_certificates(&self) -> Result<(), InvalidClient> {
        let refuse = |member, problem| Err(InvalidClient { member, problem });
        let subjects = [
            self.tls_client_auth_subject_dn.is_some(),
            self.tls_client_auth_san_dns.is_some(),
            self.tls_client_auth_san_uri.is_some(),
            self.tls_client_auth_san_ip.is_some(),
            self.tls_client_auth_san_email.is_some(),
        ];
        let count = subjects.into_iter().filter(|is_there| *is_there).count();
        let method = &self.token_endpoint_auth_method;
        if *method == ClientAuthMethod::TlsClientAuth && count != 1 {
            return refuse("tls_client_auth_subject_dn", "exactly one subject is needed by tls_client_auth");
        }
        if !self.tls_client_auth_san_dns.as_deref().is_none_or(is_host_name) {
            return refuse("tls_client_auth_san_dns", "a host name without wildcard");
        }
        if !self.tls_client_auth_san_uri.as_deref().is_none_or(is_uri) {
            return refuse("tls_client_auth_san_uri", "an absolute uri of up to 2048 bytes");
        }
        if !self.tls_client_auth_san_email.as_deref().is_none_or(is_mail_address) {
            return refuse("tls_client_auth_san_email", "a mail address");
        }
        let keyless = self.jwks.is_none() && self.jwks_uri.is_none();
        if *method == ClientAuthMethod::SelfSignedTlsClientAuth && keyless {
            return refuse("jwks", "needed by self_signed_tls_client_auth, or else jwks_uri");
        }
        // RFC 8705 section 6.4: a browser has no certificate of the client's to bind a token to.
        let in_front = self.response_types.iter().any(|response_type| response_type.has_token());
        if self.tls_client_certificate_bound_access_tokens && in_front {
            return refuse(
                "tls_client_certificate_bound_access_tokens",
                "only where no response type has a token",
            );
        }
        if self.tls_client_certificate_bound_access_tokens && self.dpop_bound_access_tokens {
            return refuse(
                "tls_client_certificate_bound_access_tokens",
                "not beside dpop_bound_access_tokens",
            );
        }
        Ok(())
    }
}

fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        plain && (1..=63).contains(&label.len())
    };
    text.len() <= MAX_NAME_BYTES && text.split('.').all(is_label)
}

fn is_uri(text: &str) -> bool {
    text.len() <= MAX_URI_BYTES && is_rfc3986_text(text) && url::Url::parse(text).is_ok()
}

fn is_mail_address(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    text.len() <= MAX_NAME_BYTES
        && plain
        && text.split_once('@').is_some_and(|(local, host)| !local.is_empty() && is_host_name(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::SubjectDn;
    use crate::testing::certificates::{self, der};

    fn metadata(change: impl FnOnce(&mut ClientMetadata)) -> ClientMetadata {
        let mut metadata = ClientMetadata::service().with_auth_method(ClientAuthMethod::TlsClientAuth);
        change(&mut metadata);
        metadata
    }

    fn of_dns(name: &str) -> ClientMetadata {
        metadata(|metadata| metadata.tls_client_auth_san_dns = Some(name.to_owned()))
    }

    fn is_of(metadata: &ClientMetadata, certificate: &str) -> bool {
        metadata.is_subject_of(&Certificate::parse(&der(certificate)).unwrap())
    }

    fn of_each_kind() -> [ClientMetadata; 4] {
        [
            of_dns("client.example"),
            metadata(|it| it.tls_client_auth_san_uri = Some("https://client.example/id".to_owned())),
            metadata(|it| it.tls_client_auth_san_ip = Some("192.0.2.7".parse().unwrap())),
            metadata(|it| it.tls_client_auth_san_email = Some("ops@client.example".to_owned())),
        ]
    }

    /// attack 185
    #[test]
    fn a_name_is_the_one_of_its_kind() {
        for expected in of_each_kind() {
            assert_eq!(expected.check_certificates(), Ok(()));
            assert!(is_of(&expected, certificates::CLIENT));
            for other in [
                certificates::OTHER,
                certificates::COMMON_NAME,
                certificates::SEVERAL_NAMES,
                certificates::NUL_IN_NAME,
                certificates::SELF_SIGNED,
            ] {
                assert!(!is_of(&expected, other), "{expected:?}");
            }
        }
        for name in ["CLIENT.example", "client.example.", "example", "lient.example", "*.example"] {
            assert!(!is_of(&of_dns(name), certificates::CLIENT), "{name}");
        }
        assert!(!is_of(&metadata(|_| ()), certificates::CLIENT), "who registered no subject has none");
    }

    /// attack 185
    #[test]
    fn a_subject_is_the_whole_subject() {
        let of = |text: &str| metadata(|it| it.tls_client_auth_subject_dn = SubjectDn::parse(text).ok());
        assert!(is_of(&of("CN=client,O=Example\\, Inc.,C=DE"), certificates::CLIENT));
        assert!(!is_of(&of("CN=client,O=Example\\, Inc.,C=DE"), certificates::OTHER));
        for text in ["CN=client", "CN=client,O=Example\\, Inc.", "CN=Client,O=Example\\, Inc.,C=DE"] {
            assert!(!is_of(&of(text), certificates::CLIENT), "{text}");
        }
    }

    #[test]
    fn exactly_one_subject_is_registered() {
        let refused =
            |metadata: &ClientMetadata| metadata.check_certificates().err().map(|refused| refused.member);
        assert_eq!(refused(&metadata(|_| ())), Some("tls_client_auth_subject_dn"));
        for mut several in of_each_kind() {
            several.tls_client_auth_subject_dn = SubjectDn::parse("CN=client").ok();
            assert_eq!(refused(&several), Some("tls_client_auth_subject_dn"));
        }
        for name in ["", "*.example", "a..b", "a b", "a\0b", &"a".repeat(64), &"a.".repeat(128)] {
            assert_eq!(refused(&of_dns(name)), Some("tls_client_auth_san_dns"), "{name}");
        }
        for uri in ["", "client", "https://a b/", &format!("https://a/{}", "a".repeat(2048))] {
            let of_uri = metadata(|it| it.tls_client_auth_san_uri = Some(uri.to_owned()));
            assert_eq!(refused(&of_uri), Some("tls_client_auth_san_uri"), "{uri}");
        }
        for address in ["", "@a", "a@", "a", "a b@c", "a@b@c"] {
            let of_mail = metadata(|it| it.tls_client_auth_san_email = Some(address.to_owned()));
            assert_eq!(refused(&of_mail), Some("tls_client_auth_san_email"), "{address}");
        }
    }
}
