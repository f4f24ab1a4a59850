//! JSON that keeps the order of keys, which the cases mean.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Number;

/// A value of JSON, its keys in the order of the text.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` and `false`
    Bool(bool),
    /// A number as it was written: `1.0` is not `1`.
    Number(Number),
    /// A text.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Map(Vec<(String, Json)>),
}

impl Json {
    /// The value under `key`, where this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.map()?.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, where it is an array.
    pub fn list(&self) -> Option<&[Json]> {
        match self {
            Json::List(list) => Some(list),
            _ => None,
        }
    }

    /// Keys and values, where it is an object.
    pub fn map(&self) -> Option<&[(String, Json)]> {
        match self {
            Json::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The number, where it is a whole one that is not negative.
    pub fn number(&self) -> Option<u64> {
        match self {
            Json::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// What is marked as bytes, or a tuple, or something else: the value under the only key.
    pub fn marked(&self, mark: &str) -> Option<&Json> {
        match self.map()? {
            [(name, value)] if name == mark => Some(value),
            _ => None,
        }
    }

    /// What Python takes for false.
    pub fn is_falsy(&self) -> bool {
        match self {
            Json::Null | Json::Bool(false) => true,
            Json::Bool(true) => false,
            Json::Number(number) => number.as_f64() == Some(0.0),
            Json::Text(text) => text.is_empty(),
            Json::List(list) => list.is_empty(),
            Json::Map(map) => match (self.marked("bytes"), self.marked("tuple")) {
                (Some(inner), _) | (_, Some(inner)) => inner.is_falsy(),
                _ => map.is_empty(),
            },
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// One character for each byte, as the cases write bytes.
pub(crate) fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let byte = |char| u8::try_from(u32::from(char)).map_err(|_| format!("{char:?} stands for no byte in {text:?}"));
    text.chars().map(byte).collect()
}

/// The other way round.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_none(),
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Number(number) => number.serialize(serializer),
            Json::Text(text) => serializer.serialize_str(text),
            Json::List(list) => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                for value in list {
                    seq.serialize_element(value)?;
                }
                seq.end()
            }
            Json::Map(map) => {
                let mut all = serializer.serialize_map(Some(map.len()))?;
                for (name, value) in map {
                    all.serialize_entry(name, value)?;
                }
                all.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Json::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_numbers_as_they_are() {
        let text = r#"{"z":1.0,"a":[null,true,-1,"é"]}"#;
        assert_eq!(serde_json::from_str::<Json>(text).unwrap().to_string(), text);
    }

    #[test]
    fn knows_what_python_takes_for_false() {
        for text in ["null", "0", "0.0", "\"\"", "[]", "{}", r#"{"bytes":""}"#, r#"{"tuple":[]}"#, "false"] {
            assert!(serde_json::from_str::<Json>(text).unwrap().is_falsy(), "{text}");
        }
        for text in ["1", "\"x\"", "[0]", r#"{"a":null}"#, r#"{"bytes":"x"}"#, "true"] {
            assert!(!serde_json::from_str::<Json>(text).unwrap().is_falsy(), "{text}");
        }
    }
}
