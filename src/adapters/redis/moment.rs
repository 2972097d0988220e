//! Moments as they are written, and how long a row is kept by the clock of the server.

use std::time::Duration;

use crate::clock::{NODE_SKEW, Timestamp};

/// For how long a row is kept beyond its end: one node that writes it may be ahead, one that asks for it behind.
const EXPIRY_MARGIN: Duration = NODE_SKEW.saturating_mul(2);

/// A row that ends later than this is kept without an end: a hundred years.
const LONGEST_EXPIRY: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// What turns the order of signed numbers into that of unsigned ones.
const BIAS: u64 = 1 << 63;

/// A moment as twenty digits, so that texts have the order of moments: the numbers of Lua hold no more than 53 bits.
pub(super) fn written(moment: Timestamp) -> String {
    format!("{:020}", moment.unix().cast_unsigned() ^ BIAS)
}

/// A moment that [`written`] wrote.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let digits = text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    let biased: u64 = digits.then(|| text.parse().ok()).flatten()?;
    Some(Timestamp::from_unix((biased ^ BIAS).cast_signed()))
}

/// For how many seconds from `now` a row that ends at `until` is kept, or `0` for one without an end.
pub(super) fn expiry(until: Timestamp, now: Timestamp) -> String {
    let left = until.since(now);
    if left > LONGEST_EXPIRY {
        return "0".to_owned();
    }
    (left + EXPIRY_MARGIN).as_secs().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_their_order() {
        let moments = [i64::MIN, -1_000, -1, 0, 1, 9, 10, 1_700_000_000, i64::MAX - 1, i64::MAX];
        let texts: Vec<_> = moments.map(Timestamp::from_unix).map(written).to_vec();
        assert!(texts.is_sorted() && texts.iter().all(|text| text.len() == 20), "{texts:?}");
        for (text, moment) in texts.iter().zip(moments) {
            assert_eq!(read(text), Some(Timestamp::from_unix(moment)));
        }
        for text in ["", "1", "+0000000000000000001", "99999999999999999999"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_row_is_kept_beyond_its_end() {
        let now = Timestamp::from_unix(1_000);
        assert_eq!(expiry(Timestamp::from_unix(1_060), now), "300");
        assert_eq!(expiry(Timestamp::from_unix(10), now), "240");
        assert_eq!(expiry(Timestamp::NEVER, now), "0");
    }
}
