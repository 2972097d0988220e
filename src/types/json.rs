//! JSON as it is read from strangers: bounded, and with one meaning.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Why a text is not read as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidJson {
    /// An object names a member twice; readers would disagree about its value (RFC 8259 section 4).
    #[error("a member of a json object is repeated")]
    MemberRepeated,
    /// The text is not one JSON value in UTF-8, or something follows it.
    #[error("the text is not one json value")]
    Malformed,
    /// Objects and arrays are nested deeper than allowed.
    #[error("the json is nested too deeply")]
    TooDeep,
    /// The text is longer than allowed.
    #[error("the json is too long")]
    TooLong,
}

/// Reads one JSON value of at most `max_bytes` bytes and `max_depth` levels of objects and arrays.
///
/// A scalar has no level, `{"a":[]}` has two. No object may name a member twice, at any level; names count as
/// equal after their escapes are resolved. White space may surround the value, anything else may not; a byte order
/// mark is refused. Depths above 126 count as 126.
///
/// # Errors
/// [`InvalidJson`] says which of these does not hold.
pub fn parse_strict(bytes: &[u8], max_bytes: usize, max_depth: usize) -> Result<Value, InvalidJson> {
    if bytes.len() > max_bytes {
        return Err(InvalidJson::TooLong);
    }
    let flaw = Cell::new(InvalidJson::Malformed);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let levels = max_depth.min(MAX_LEVELS);
    let value = Level { left: levels, flaw: &flaw }.deserialize(&mut deserializer).map_err(|_| flaw.get())?;
    deserializer.end().map_err(|_| InvalidJson::Malformed)?;
    Ok(value)
}

/// Most levels that can be asked for: one less than `serde_json` itself reads.
const MAX_LEVELS: usize = 126;

/// Reads a value that may hold `left` more levels, and leaves in `flaw` what was wrong with it.
#[derive(Clone, Copy)]
struct Level<'a> {
    left: usize,
    flaw: &'a Cell<InvalidJson>,
}

impl Level<'_> {
    fn refuse<E: serde::de::Error>(self, flaw: InvalidJson) -> E {
        self.flaw.set(flaw);
        E::custom(flaw)
    }

    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.left.checked_sub(1) {
            Some(left) => Ok(Self { left, ..self }),
            None => Err(self.refuse(InvalidJson::TooDeep)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a json value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| self.refuse(InvalidJson::Malformed))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(below)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(below.refuse(InvalidJson::MemberRepeated));
            }
            object.insert(name, members.next_value_seed(below)?);
        }
        Ok(Value::Object(object))
    }
}

/// Levels of objects and arrays in a value; a scalar has none.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// A value as text, the same whatever the order of its members: for hashes, which no peer has to make again.
pub(crate) fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => canonical_object(members),
        scalar => scalar.to_string(),
    }
}

/// An object as text, as [`canonical`].
pub(crate) fn canonical_object(object: &Map<String, Value>) -> String {
    let mut members: Vec<_> = object.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    let members = members.into_iter().map(|(name, value)| {
        // A name is quoted as a text is.
        format!("{}:{}", Value::from(name.as_str()), canonical(value))
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Value, InvalidJson> {
        parse_strict(text.as_bytes(), 1024, 4)
    }

    #[test]
    fn a_value_is_read_as_serde_json_reads_it() {
        let text = r#" {"a":[1,-2,1.5,"\u00e9\n",null,true],"b":{"c":{}},"d":18446744073709551615} "#;
        assert_eq!(read(text).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    /// attack 147: a name that stands twice has no meaning that all readers share.
    #[test]
    fn a_repeated_name_is_refused_at_every_level() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"c":2,"a":3}}]"#, r#"{"a":1,"\u0061":2}"#] {
            assert_eq!(read(text), Err(InvalidJson::MemberRepeated), "{text}");
        }
    }

    /// attack 330
    #[test]
    fn only_levels_above_the_cap_are_refused() {
        assert!(read("[[[[1]]]]").is_ok());
        assert_eq!(read("[[[[[]]]]]"), Err(InvalidJson::TooDeep));
        assert_eq!(read(r#"{"a":{"a":{"a":{"a":{}}}}}"#), Err(InvalidJson::TooDeep));
        assert_eq!(parse_strict(b"[]", 10, 0), Err(InvalidJson::TooDeep));
        assert!(parse_strict(b"1", 10, 0).is_ok());
        let deep = "[".repeat(100_000);
        assert_eq!(parse_strict(deep.as_bytes(), 200_000, usize::MAX), Err(InvalidJson::TooDeep));
    }

    /// attack 330
    #[test]
    fn only_one_whole_value_is_read() {
        assert_eq!(parse_strict(&[b' '; 1025], 1024, 4), Err(InvalidJson::TooLong));
        for text in
            ["", "\u{feff}{}", "{}x", "{} {}", "{\"a\":1,}", "'a'", "NaN", "1e999", "\"\\ud800\"", "{\"a\"}"]
        {
            assert_eq!(read(text), Err(InvalidJson::Malformed), "{text}");
        }
        assert_eq!(parse_strict(b"\"\xff\"", 10, 1), Err(InvalidJson::Malformed));
    }
}
