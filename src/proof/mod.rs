//! What proves that a request comes from who it should: the certificate of its TLS connection (RFC 8705).

mod certificate;
mod subject_dn;

pub use certificate::{AlternativeName, Certificate, InvalidCertificate, MAX_CERTIFICATE_BYTES};
pub use subject_dn::{DistinguishedName, InvalidSubjectDn, SubjectDn};
