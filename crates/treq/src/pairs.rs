//! Pairs of any shape that serde knows, one after another.

use std::fmt::{self, Display};

use form_urlencoded::Serializer as Encoder;
use serde::ser::{self, Impossible, Serialize, Serializer};

/// Writes `value` as `application/x-www-form-urlencoded`
/// ([URL standard, section 5](https://url.spec.whatwg.org/#application/x-www-form-urlencoded)): a map, a struct or a list of pairs,
/// of which each value is a plain one or a list of those, an array included. A list is a pair for each element; `None` is no pair.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<String, NotPairs> {
    let mut out = Out { encoder: Encoder::new(String::new()), name: None };
    value.serialize(Position { out: &mut out, place: Place::Top })?;
    Ok(out.encoder.finish())
}

/// An error that says what is in the place of pairs.
#[derive(Debug)]
pub(crate) struct NotPairs(String);

impl Display for NotPairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotPairs {}

impl ser::Error for NotPairs {
    fn custom<T: Display>(message: T) -> NotPairs {
        NotPairs(message.to_string())
    }
}

struct Out {
    encoder: Encoder<'static, String>,
    /// Of the pair whose value comes next.
    name: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Top,
    Pair,
    Name,
    Value,
    /// In a list of values.
    Element,
}

struct Position<'a> {
    out: &'a mut Out,
    place: Place,
}

impl<'a> Position<'a> {
    fn write(self, text: &str) -> Result<(), NotPairs> {
        match (self.place, &self.out.name) {
            (Place::Name, _) => self.out.name = Some(text.to_owned()),
            (Place::Value | Place::Element, Some(name)) => _ = self.out.encoder.append_pair(name, text),
            _ => return Err(self.refused("a plain value")),
        }
        Ok(())
    }

    fn none(self) -> Result<(), NotPairs> {
        if self.place == Place::Name { Err(self.refused("nothing")) } else { Ok(()) }
    }

    fn list(self, what: &str) -> Result<Elements<'a>, NotPairs> {
        let inner = match self.place {
            Place::Top => Place::Pair,
            Place::Pair => Place::Name,
            Place::Value => Place::Element,
            Place::Name | Place::Element => return Err(self.refused(what)),
        };
        Ok(Elements { out: self.out, inner })
    }

    fn map(self, what: &str) -> Result<Elements<'a>, NotPairs> {
        if self.place == Place::Top { self.list(what) } else { Err(self.refused(what)) }
    }

    fn refused(&self, what: &str) -> NotPairs {
        NotPairs(match (self.place, &self.out.name) {
            (Place::Top, _) => format!("{what} in place of pairs"),
            (Place::Pair, _) => format!("{what} in place of a pair"),
            (Place::Name, _) => format!("{what} in place of a name"),
            (_, name) => format!("{what} in place of the value of {:?}", name.as_deref().unwrap_or_default()),
        })
    }
}

/// Elements of a list of pairs, of a pair, or of a list of values.
struct Elements<'a> {
    out: &'a mut Out,
    inner: Place,
}

impl Elements<'_> {
    fn push<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), NotPairs> {
        let place = self.inner;
        match place {
            Place::Name => self.inner = Place::Value,
            // A third element of a pair is one too many.
            Place::Value => self.inner = Place::Top,
            Place::Top => return Err(NotPairs("a list of more than two in place of a pair".to_owned())),
            Place::Pair | Place::Element => {}
        }
        element.serialize(Position { out: &mut *self.out, place })
    }

    fn field(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), NotPairs> {
        self.out.name = Some(name.to_owned());
        value.serialize(Position { out: &mut *self.out, place: Place::Value })
    }

    fn close(self) -> Result<(), NotPairs> {
        match self.inner {
            Place::Name | Place::Value => Err(NotPairs("a list of less than two in place of a pair".to_owned())),
            _ => Ok(()),
        }
    }
}

macro_rules! plain {
    ($($method:ident: $type:ty as $text:literal),+) => {$(
        fn $method(self, value: $type) -> Result<(), NotPairs> {
            self.write(&format!($text, value))
        }
    )+};
}

impl<'a> Serializer for Position<'a> {
    type Ok = ();
    type Error = NotPairs;
    type SerializeSeq = Elements<'a>;
    type SerializeTuple = Elements<'a>;
    type SerializeTupleStruct = Elements<'a>;
    type SerializeMap = Elements<'a>;
    type SerializeStruct = Elements<'a>;
    type SerializeTupleVariant = Impossible<(), NotPairs>;
    type SerializeStructVariant = Impossible<(), NotPairs>;

    plain! {
        serialize_bool: bool as "{}",
        serialize_i8: i8 as "{}", serialize_i16: i16 as "{}", serialize_i32: i32 as "{}",
        serialize_i64: i64 as "{}", serialize_i128: i128 as "{}",
        serialize_u8: u8 as "{}", serialize_u16: u16 as "{}", serialize_u32: u32 as "{}",
        serialize_u64: u64 as "{}", serialize_u128: u128 as "{}",
        // With a point or an exponent, as everywhere where a float is written to be read again.
        serialize_f32: f32 as "{:?}", serialize_f64: f64 as "{:?}",
        serialize_char: char as "{}"
    }

    fn serialize_str(self, value: &str) -> Result<(), NotPairs> {
        self.write(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), NotPairs> {
        match std::str::from_utf8(value) {
            Ok(text) => self.write(text),
            Err(_) => Err(self.refused("bytes that are not UTF-8")),
        }
    }

    fn serialize_none(self) -> Result<(), NotPairs> {
        self.none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotPairs> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NotPairs> {
        if self.place == Place::Top { Ok(()) } else { Err(self.refused("nothing")) }
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), NotPairs> {
        if self.place == Place::Top { Ok(()) } else { self.write(name) }
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), NotPairs> {
        self.write(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), NotPairs> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), NotPairs> {
        Err(self.refused("a variant with a value"))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'a>, NotPairs> {
        self.list("a list")
    }

    fn serialize_tuple(self, _: usize) -> Result<Elements<'a>, NotPairs> {
        self.list("an array or a tuple")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Elements<'a>, NotPairs> {
        self.list("a tuple")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NotPairs> {
        Err(self.refused("a variant with values"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Elements<'a>, NotPairs> {
        self.map("a map")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Elements<'a>, NotPairs> {
        self.map("a struct")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NotPairs> {
        Err(self.refused("a variant with fields"))
    }
}

macro_rules! elements {
    ($($list:ident by $method:ident),+) => {$(
        impl ser::$list for Elements<'_> {
            type Ok = ();
            type Error = NotPairs;

            fn $method<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), NotPairs> {
                self.push(element)
            }

            fn end(self) -> Result<(), NotPairs> {
                self.close()
            }
        }
    )+};
}

elements!(SerializeSeq by serialize_element, SerializeTuple by serialize_element, SerializeTupleStruct by serialize_field);

impl ser::SerializeMap for Elements<'_> {
    type Ok = ();
    type Error = NotPairs;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotPairs> {
        key.serialize(Position { out: &mut *self.out, place: Place::Name })
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotPairs> {
        value.serialize(Position { out: &mut *self.out, place: Place::Value })
    }

    fn end(self) -> Result<(), NotPairs> {
        Ok(())
    }
}

impl ser::SerializeStruct for Elements<'_> {
    type Ok = ();
    type Error = NotPairs;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NotPairs> {
        self.field(name, value)
    }

    fn end(self) -> Result<(), NotPairs> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;

    use super::encode;

    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    enum Color {
        Red,
        Other(u8),
    }

    #[derive(Serialize)]
    struct Search<'a> {
        q: &'a str,
        page: Option<u32>,
        tags: [Color; 1],
        sizes: Vec<f64>,
    }

    #[derive(Serialize)]
    struct Id(u8);

    fn check<T: Serialize + ?Sized>(value: &T, pairs: &str) {
        assert_eq!(encode(value).unwrap(), pairs);
    }

    fn refuse<T: Serialize + ?Sized>(value: &T, message: &str) {
        assert_eq!(encode(value).unwrap_err().to_string(), message);
    }

    #[test]
    fn pairs_of_all_shapes() {
        check(&[("a", "b c"), ("é", "&=")], "a=b+c&%C3%A9=%26%3D");
        check(&vec![("a", vec![1, 2]), ("b", vec![])], "a=1&a=2");
        check(&[("a", [1, 2])], "a=1&a=2");
        check(&[("a", (true, 'x', 1.5, i128::MIN))], &format!("a=true&a=x&a=1.5&a={}", i128::MIN));
        check(&(("a", 1), ("b", "x")), "a=1&b=x");
        check(&[["a", "b"]], "a=b");
        check(&BTreeMap::from([(1, Some("x")), (2, None)]), "1=x");
        check(&BTreeMap::from([(1, ["x", "y"])]), "1=x&1=y");
        let search = Search { q: "tea", page: None, tags: [Color::Red], sizes: vec![1.0, 1e30] };
        check(&search, "q=tea&tags=red&sizes=1.0&sizes=1e30");
        check(&Some(&search), "q=tea&tags=red&sizes=1.0&sizes=1e30");
        check(&[(Color::Red, Id(7))], "red=7");
        check(&[Some(("a", 1)), None], "a=1");
        check(&[("a", [Some(1), None])], "a=1");
        check(&(), "");
        check(&None::<[(&str, &str); 1]>, "");
    }

    #[test]
    fn what_is_wrong_is_named() {
        refuse("a", "a plain value in place of pairs");
        refuse(&7, "a plain value in place of pairs");
        refuse(&["a"], "a plain value in place of a pair");
        refuse(&[("a", "b", "c")], "a list of more than two in place of a pair");
        refuse(&[("a",)], "a list of less than two in place of a pair");
    }

    #[test]
    fn what_is_wrong_in_a_value_is_named() {
        refuse(&[("a", [[1]])], "an array or a tuple in place of the value of \"a\"");
        refuse(&[("a", vec![vec![1]])], "a list in place of the value of \"a\"");
        refuse(&[("a", BTreeMap::from([(1, 2)]))], "a map in place of the value of \"a\"");
        refuse(&[("a", ())], "nothing in place of the value of \"a\"");
        refuse(&[("a", Color::Other(1))], "a variant with a value in place of the value of \"a\"");
        refuse(&[(None::<&str>, 1)], "nothing in place of a name");
        refuse(&[BTreeMap::from([(1, 2)])], "a map in place of a pair");
    }
}
