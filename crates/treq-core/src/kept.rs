use http::{HeaderMap, HeaderName, HeaderValue};

/// How many fields are kept without an allocation.
const FEW: usize = 2;

/// A copy of a request's fields for a second sending that most requests never see: cheap to take, a map again only when
/// it is asked for.
///
/// ```
/// use treq_core::KeptFields;
///
/// let mut fields = http::HeaderMap::new();
/// fields.insert("accept", "text/html".parse().unwrap());
/// let kept = KeptFields::from_headers(&fields);
/// assert_eq!(kept.to_map(), fields);
/// ```
#[derive(Clone, Default)]
pub struct KeptFields {
    few: [Option<(HeaderName, HeaderValue)>; FEW],
    /// All of them, where they are more.
    many: Option<Box<HeaderMap>>,
}

impl KeptFields {
    /// A copy of these fields.
    #[must_use]
    pub fn from_headers(fields: &HeaderMap) -> KeptFields {
        if fields.len() > FEW {
            return KeptFields { few: Default::default(), many: Some(Box::new(fields.clone())) };
        }
        let mut fields = fields.iter().map(|(name, value)| (name.clone(), value.clone()));
        KeptFields { few: [fields.next(), fields.next()], many: None }
    }

    /// The fields as a map.
    #[must_use]
    pub fn to_map(&self) -> HeaderMap {
        match &self.many {
            Some(many) => (**many).clone(),
            None => {
                let mut map = HeaderMap::new();
                for (name, value) in self.few.iter().flatten() {
                    map.append(name.clone(), value.clone());
                }
                map
            }
        }
    }
}

impl std::fmt::Debug for KeptFields {
    /// Names only: values carry secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.to_map().keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_it_was_given_in_its_order() {
        for count in 0..5 {
            let mut fields = HeaderMap::new();
            for number in 0..count {
                fields.append("accept", HeaderValue::from(number));
            }
            let mut secret = HeaderValue::from_static("s3cret");
            secret.set_sensitive(true);
            fields.insert("x-key", secret);
            let kept = KeptFields::from_headers(&fields);
            let map = kept.to_map();
            assert_eq!(map, fields);
            assert!(map["x-key"].is_sensitive());
            assert!(map.get_all("accept").iter().eq(fields.get_all("accept").iter()));
            assert!(!format!("{kept:?}").contains("s3cret"));
        }
    }
}
