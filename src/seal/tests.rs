use proptest::prelude::*;

use super::*;
use crate::entropy::OsEntropy;
use crate::secret::SystemSecret;

const CODE: Context<'_> = Context { kind: "code", issuer: "https://op.example", key: b"key" };
const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);
const LATER: Timestamp = Timestamp::from_unix(1_700_001_800);

/// Secrets of which `seeds` give the system secrets, the first of them writing.
fn secrets(seeds: &[u8]) -> SystemSecrets {
    let [pepper, salt] = [200, 201].map(|seed| SystemSecret::from_bytes([seed; 32]));
    let list = seeds.iter().map(|seed| SystemSecret::from_bytes([*seed; 32])).collect();
    SystemSecrets::new(list, vec![pepper], salt).unwrap()
}

fn sealed(secrets: &SystemSecrets, context: &Context<'_>, payload: &[u8]) -> Result<Sealed, EntropyError> {
    seal(secrets, &OsEntropy, context, payload)
}

/// Contexts that differ from [`CODE`] in one part, or in where one part ends and the next begins.
fn neighbours() -> Vec<Context<'static>> {
    vec![
        Context { kind: "grant", ..CODE },
        Context { issuer: "https://op.example/", ..CODE },
        Context { key: b"kez", ..CODE },
        Context { key: b"", ..CODE },
        Context { kind: "codehttps://op.example", issuer: "", ..CODE },
        Context { kind: "", issuer: "codehttps://op.example", ..CODE },
        Context { issuer: "https://op.examplek", key: b"ey", ..CODE },
    ]
}

#[test]
fn a_sealed_record_opens_in_its_place_alone() {
    let secrets = secrets(&[1]);
    let sealed = sealed(&secrets, &CODE, b"payload").unwrap();
    assert_eq!(open(&secrets, &CODE, &sealed).unwrap().as_slice(), b"payload");
    assert_eq!(sealed.as_bytes().len(), 1 + NONCE_BYTES + 7 + TAG_BYTES);
    let again = Sealed::from_parts(sealed.secret(), sealed.as_bytes().to_vec());
    assert_eq!(again, sealed);
    // attack 272, attack 317: another kind, issuer or key.
    for other in neighbours() {
        assert!(open(&secrets, &other, &sealed).is_none(), "{other:?}");
    }
}

/// attack 271, attack 319: no bit can be changed and nothing cut off or added.
#[test]
fn an_altered_record_does_not_open() {
    let secrets = secrets(&[1]);
    let sealed = sealed(&secrets, &CODE, b"payload").unwrap();
    let opens = |bytes: Vec<u8>| open(&secrets, &CODE, &Sealed::from_parts(sealed.secret, bytes)).is_some();
    for place in 0..sealed.bytes.len() {
        for bit in 0..8 {
            let mut bytes = sealed.bytes.clone();
            bytes[place] ^= 1 << bit;
            assert!(!opens(bytes), "{place} {bit}");
        }
        assert!(!opens(sealed.bytes[..place].to_vec()), "{place}");
    }
    assert!(!opens([&sealed.bytes[..], &[0]].concat()));
    assert!(opens(sealed.bytes.clone()));
}

/// attack 273: every listed secret reads, the first writes, and one that is gone opens nothing.
#[test]
fn a_rotated_secret_reads_until_it_is_removed() {
    let (before, after, gone) = (secrets(&[1]), secrets(&[2, 1]), secrets(&[2]));
    let old = sealed(&before, &CODE, b"payload").unwrap();
    assert!(open(&after, &CODE, &old).is_some());
    assert!(open(&gone, &CODE, &old).is_none());
    assert_eq!(sealed(&after, &CODE, b"payload").unwrap().secret(), gone.current());
    let relabelled = Sealed::from_parts(gone.current(), old.as_bytes().to_vec());
    assert!(open(&after, &CODE, &relabelled).is_none());
    let text = seal_text(&before, &OsEntropy, &CODE, LATER, b"payload").unwrap();
    assert!(open_text(&after, &CODE, &text, NOW).is_ok());
    assert_eq!(open_text(&gone, &CODE, &text, NOW), Err(Unsealed::Altered));
}

/// attack 274: the time is inside, and its last second is past.
#[test]
fn a_sealed_text_opens_until_its_time_is_over() {
    let secrets = secrets(&[1]);
    let text = seal_text(&secrets, &OsEntropy, &CODE, LATER, b"payload").unwrap();
    assert_eq!(open_text(&secrets, &CODE, &text, NOW).unwrap().as_slice(), b"payload");
    assert!(open_text(&secrets, &CODE, &text, Timestamp::from_unix(LATER.unix() - 1)).is_ok());
    assert_eq!(open_text(&secrets, &CODE, &text, LATER), Err(Unsealed::Expired));
    for other in neighbours() {
        // Altered even when it is late: only our own texts are told that they expired.
        assert_eq!(open_text(&secrets, &other, &text, LATER), Err(Unsealed::Altered), "{other:?}");
    }
}

/// attack 271: no character can be changed, and no other spelling of the same bytes opens.
#[test]
fn an_altered_text_does_not_open() {
    let secrets = secrets(&[1]);
    let text = seal_text(&secrets, &OsEntropy, &CODE, LATER, b"payload").unwrap();
    for place in 0..text.len() {
        for other in ["A", "B", "_", "=", "+", " "] {
            let altered = format!("{}{other}{}", &text[..place], &text[place + 1..]);
            let same = altered == text;
            assert_eq!(open_text(&secrets, &CODE, &altered, NOW).is_ok(), same, "{altered}");
        }
        assert_eq!(open_text(&secrets, &CODE, &text[..place], NOW), Err(Unsealed::Altered));
    }
    for other in [format!("{text}="), format!("{text}A"), "A".repeat(MAX_TEXT_BYTES + 4), "\u{e9}".into()] {
        assert_eq!(open_text(&secrets, &CODE, &other, NOW), Err(Unsealed::Altered));
    }
}

/// attack 272: a record does not open as a text, nor a text as a record.
#[test]
fn records_and_texts_are_kept_apart() {
    let secrets = secrets(&[1]);
    let sealed = sealed(&secrets, &CODE, &[0x7f; 20]).unwrap();
    let bytes = [&sealed.secret.as_bytes()[..], &sealed.bytes].concat();
    let text = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    assert_eq!(open_text(&secrets, &CODE, &text, NOW), Err(Unsealed::Altered));
    let text = seal_text(&secrets, &OsEntropy, &CODE, LATER, b"payload").unwrap();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap().split_off(SECRET_ID_BYTES);
    assert!(open(&secrets, &CODE, &Sealed::from_parts(secrets.current(), bytes)).is_none());
}

/// attack 280, attack 318: equal values seal to different bytes, and nothing sealed is printed.
#[test]
fn sealing_twice_shows_nothing_in_common() {
    let secrets = secrets(&[1]);
    let [a, b] = [0, 1].map(|_| sealed(&secrets, &CODE, b"payload").unwrap());
    assert_ne!(a.as_bytes()[1..], b.as_bytes()[1..]);
    assert!(!a.as_bytes().windows(7).any(|window| window == b"payload"));
    assert_eq!(format!("{a:?}"), format!("Sealed({}, 48 bytes)", a.secret()));
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens(plaintext: Vec<u8>, kind: String, issuer: String, key: Vec<u8>) {
        let (secrets, context) = (secrets(&[1]), Context { kind: &kind, issuer: &issuer, key: &key });
        let sealed = sealed(&secrets, &context, &plaintext).unwrap();
        prop_assert_eq!(&*open(&secrets, &context, &sealed).unwrap(), &plaintext);
        let text = seal_text(&secrets, &OsEntropy, &context, LATER, &plaintext).unwrap();
        prop_assert_eq!(&*open_text(&secrets, &context, &text, NOW).unwrap(), &plaintext);
    }
}
