//! What proves that a request comes from who it should: the certificate of its TLS connection (RFC 8705), and DPoP
//! proofs (RFC 9449).

mod certificate;
pub(crate) mod dpop;
mod dpop_config;
pub(crate) mod dpop_nonce;
pub(crate) mod possession;
mod subject_dn;

pub use certificate::{AlternativeName, Certificate, InvalidCertificate, MAX_CERTIFICATE_BYTES};
pub use dpop_config::{DpopConfig, DpopNonces};
pub use subject_dn::{DistinguishedName, InvalidSubjectDn, SubjectDn};
