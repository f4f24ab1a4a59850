//! Links to other resources in the head of an answer.

use std::fmt;

use http::Uri;
use http::header::LINK;
use treq_core::uri;

use crate::media_type::outside_of_quotes;
use crate::response::Response;

/// A link of a `Link` field ([RFC 8288](https://www.rfc-editor.org/rfc/rfc8288)).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// Where it leads, resolved against the URL of the answer.
    pub url: Uri,
    /// What it leads to, in lower case: `next`, `last`; several where the field has several.
    pub rel: Vec<String>,
    /// The other parameters, such as `title`, in order.
    pub params: Vec<(String, String)>,
}

impl fmt::Debug for Link {
    /// The URL without what may be a secret, and the names of the parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params: Vec<_> = self.params.iter().map(|(name, _)| name).collect();
        let url = uri::masked(&self.url.to_string()).into_owned();
        f.debug_struct("Link").field("url", &url).field("rel", &self.rel).field("params", &params).finish()
    }
}

impl Response {
    /// The links of the `Link` fields, in order; what is malformed is left out, and so is what comes after 1,000 links.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// let url = server.url("/response-headers?Link=%3C/page/2%3E%3B%20rel%3Dnext");
    /// let response = treq::get(&url).await?;
    /// assert_eq!(response.link("next").map(|link| link.url.path().to_owned()).as_deref(), Some("/page/2"));
    /// # Ok(()) }
    /// ```
    pub fn links(&self) -> Vec<Link> {
        self.link_parts().filter_map(|part| link(self.url(), part)).collect()
    }

    /// The first link with this relation.
    pub fn link(&self, rel: &str) -> Option<Link> {
        let mut links = self.link_parts().filter_map(|part| link(self.url(), part));
        links.find(|link| link.rel.iter().any(|known| known.eq_ignore_ascii_case(rel)))
    }

    fn link_parts(&self) -> impl Iterator<Item = &str> {
        /// Each is resolved against the URL, which may be long.
        const MAX: usize = 1000;
        let fields = self.headers().get_all(LINK).iter().filter_map(|value| value.to_str().ok());
        fields.flat_map(split).take(MAX)
    }
}

/// The links of a field. A comma within `<>` belongs to a URL.
fn split(field: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut rest, mut from) = (field, 0);
    while let Some(start) = rest[from..].find('<').map(|at| from + at) {
        let Some(end) = rest[start..].find('>').map(|at| start + at) else { break };
        let length = outside_of_quotes(&rest[end..], ',').next().map_or(0, |params| {
            // As long as what was trimmed off it.
            let offset = params.as_ptr() as usize - rest[end..].as_ptr() as usize;
            offset + params.len()
        });
        parts.push(&rest[start..end + length]);
        rest = &rest[end + length..];
        from = 0;
    }
    parts
}

fn link(base: &Uri, text: &str) -> Option<Link> {
    let (target, params) = text.strip_prefix('<')?.split_once('>')?;
    let url = uri::resolve(base, target.trim().as_bytes()).ok()?.uri;
    let mut link = Link { url, rel: Vec::new(), params: Vec::new() };
    let mut has_rel = false;
    for param in outside_of_quotes(params, ';').filter(|param| !param.is_empty()) {
        let (name, value) = param.split_once('=').unwrap_or((param, ""));
        let (name, value) = (name.trim().to_ascii_lowercase(), unquoted(value.trim()));
        if name != "rel" {
            link.params.push((name, value));
        } else if !has_rel {
            // Section 3.3: of several the first counts.
            has_rel = true;
            link.rel = value.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
        }
    }
    Some(link)
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut text = String::with_capacity(inner.len());
    let mut escaped = false;
    for character in inner.chars() {
        if character == '\\' && !escaped {
            escaped = true;
            continue;
        }
        escaped = false;
        text.push(character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_with_their_quotes_and_commas() {
        let base: Uri = "http://a.test/d/x".parse().unwrap();
        let field =
            "<p?a,b>; rel=\"next last\"; title=\"x, y; \\\"z\\\"\", </q>;rel=prev;rel=next, nonsense, <http://b.test>";
        let links: Vec<Link> = split(field).into_iter().filter_map(|part| link(&base, part)).collect();
        let seen: Vec<_> = links.iter().map(|link| (link.url.to_string(), link.rel.join(" "))).collect();
        let want = [("http://a.test/d/p?a,b", "next last"), ("http://a.test/q", "prev"), ("http://b.test/", "")];
        assert_eq!(seen, want.map(|(url, rel)| (url.to_owned(), rel.to_owned())));
        assert_eq!(links[0].params, [("title".to_owned(), "x, y; \"z\"".to_owned())]);
        assert!(split("").is_empty() && split("<").is_empty() && split("<a").is_empty());
    }
}
