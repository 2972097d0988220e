use super::*;
use crate::proof::SubjectDn;
use crate::testing::certificates::{self, der};

fn read(certificate: &str) -> Certificate {
    Certificate::parse(&der(certificate)).unwrap()
}

#[test]
fn a_certificate_is_taken_apart() {
    let client = read(certificates::CLIENT);
    assert_eq!(client.thumbprint().to_string(), "wVH2X0g-Ju2KQBh41iAnUmzjiml2H_wMvRQfTcGL1ZU");
    let subject = SubjectDn::parse("CN=client,O=Example\\, Inc.,C=DE").unwrap();
    assert!(subject.is(client.subject()));
    assert!(!SubjectDn::parse("C=DE,O=Example\\, Inc.,CN=client").unwrap().is(client.subject()));
    assert!(!SubjectDn::parse("CN=client,C=DE").unwrap().is(client.subject()));
    let names = [
        AlternativeName::Dns("client.example".to_owned()),
        AlternativeName::Uri("https://client.example/id".to_owned()),
        AlternativeName::Ip("192.0.2.7".parse().unwrap()),
        AlternativeName::Email("ops@client.example".to_owned()),
    ];
    assert_eq!(client.names(), names);
    assert!(read(certificates::COMMON_NAME).names().is_empty());
}

#[test]
fn it_is_valid_from_its_first_second_to_its_last() {
    let client = read(certificates::CLIENT);
    let (first, last) = (1_767_225_600, 4_922_899_200);
    for (second, valid) in [(first - 1, false), (first, true), (last, true), (last + 1, false)] {
        assert_eq!(client.is_valid_at(Timestamp::from_unix(second)), valid, "{second}");
    }
}

/// The thumbprints are those of another implementation.
#[test]
fn its_key_is_in_the_form_in_which_clients_register_theirs() {
    for (certificate, thumbprint) in [
        (certificates::CLIENT, "wvzKJAUJz5GS8bn-lnHR4PQ_bDswA-FdM5D8RlvnBvQ"),
        (certificates::SELF_SIGNED, "2yHFZYvrnmMI6UiDCEhMP1UKda4prVnNfIDDDm1iCNk"),
        (certificates::P384, "KJR-yzjWVm36Io-z6eruDjHonSto59PVV1z8qD_shpg"),
        (certificates::P521, "eLoBj_WD1layZmAnBWTVc_qeYfV6wERHg2MXeStiSVI"),
        (certificates::RSA, "IKyxKa0PcLNBxap3_3c0GGjrtjPBLMtLY5-fHETrLXM"),
        (certificates::ED25519, "1Sm4jBJ013j0-H7FTD6BY0xz0lCKZn9Hjh74ZGaSokI"),
    ] {
        let read = read(certificate);
        assert_eq!(read.key().map(Jwk::thumbprint).as_deref(), Some(thumbprint));
    }
    let again = read(certificates::SELF_SIGNED_AGAIN);
    assert_eq!(again.key().map(Jwk::thumbprint), read(certificates::SELF_SIGNED).key().map(Jwk::thumbprint));
    assert_ne!(again.thumbprint(), read(certificates::SELF_SIGNED).thumbprint());
}

/// Whoever connects may present another certificate each time: none costs a key where nobody compares one.
#[test]
fn a_key_is_made_when_it_is_asked_for() {
    let read = read(certificates::RSA);
    assert!(read.key.get().is_none());
    assert!(read.key().is_some() && read.key.get().is_some());
    assert_eq!(Certificate::thumbprint_of(&der(certificates::RSA)), read.thumbprint());
}

/// attack 100: a weak key is none, and so is one of a kind that nobody may register.
#[test]
fn a_key_that_nobody_may_register_is_none() {
    for certificate in [certificates::K256, certificates::RSA_SHORT] {
        assert!(read(certificate).key().is_none());
    }
}

/// attack 189: what is not one certificate, whole and sound, is none, and takes no more than its own length
/// to find out.
#[test]
fn what_is_no_certificate_does_not_read() {
    let malformed =
        |der: &[u8]| assert_eq!(Certificate::parse(der).err(), Some(InvalidCertificate::Malformed));
    let client = der(certificates::CLIENT);
    malformed(&[]);
    malformed(&[client.as_ref(), &[0]].concat());
    malformed(&client.repeat(30));
    for end in 0..client.len() {
        malformed(&client[..end]);
    }
    for certificate in [
        certificates::VERSION_1,
        certificates::REPEATED_EXTENSION,
        certificates::SHORT_ADDRESS,
        certificates::NAME_OF_NO_TEXT,
    ] {
        malformed(&der(certificate));
    }
    // Lengths that nobody has the memory for (F6).
    malformed(&[0x30, 0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x30, 0x80, 0, 0]);
    malformed(&[&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &client[4..]].concat());
    malformed(&[0x30; MAX_CERTIFICATE_BYTES]);
    malformed(&[0x30, 0x80].repeat(MAX_CERTIFICATE_BYTES / 2));
    let long = vec![0x30; 1024 * 1024];
    assert_eq!(Certificate::parse(&long).err(), Some(InvalidCertificate::TooLong));
    assert_eq!(Certificate::parse(&client.repeat(100)).err(), Some(InvalidCertificate::TooLong));
}

/// A changed octet gives another certificate, or none, and never a panic.
#[test]
fn no_octet_makes_it_panic() {
    let client = der(certificates::CLIENT);
    for at in 0..client.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut changed = client.to_vec();
            changed[at] ^= flip;
            if let Ok(read) = Certificate::parse(&changed) {
                assert_ne!(read.thumbprint(), self::read(certificates::CLIENT).thumbprint());
            }
        }
    }
}

#[test]
fn a_name_is_read_past_its_nul() {
    let name = AlternativeName::Dns("client.example\0.evil.example".to_owned());
    assert_eq!(read(certificates::NUL_IN_NAME).names(), [name]);
}
