//! The variables of the environment that name proxies.

use std::ffi::{OsStr, OsString};

use treq_core::{Error, Kind};

use crate::{Proxies, Proxy};

/// What the variables said that count, by their name in lower case.
#[derive(Default)]
struct Found {
    http: Value,
    https: Value,
    all: Value,
    no: Value,
    upper_http: Option<(OsString, OsString)>,
    is_cgi: bool,
}

/// A variable's name and value; lower case wins.
type Value = Option<(OsString, OsString)>;

pub(crate) fn read(vars: impl Iterator<Item = (OsString, OsString)>) -> Result<Proxies, Error> {
    let mut found = Found::default();
    for (name, value) in vars {
        let Some(text) = name.to_str() else { continue };
        let place = match text {
            "REQUEST_METHOD" => {
                found.is_cgi = true;
                continue;
            }
            "HTTP_PROXY" => &mut found.upper_http,
            "http_proxy" => &mut found.http,
            "https_proxy" | "HTTPS_PROXY" => &mut found.https,
            "all_proxy" | "ALL_PROXY" => &mut found.all,
            "no_proxy" | "NO_PROXY" => &mut found.no,
            _ => continue,
        };
        let is_lower = text.starts_with(|first: char| first.is_ascii_lowercase());
        if is_lower || place.is_none() {
            *place = Some((name, value));
        }
    }
    if !found.is_cgi {
        found.http = found.http.or(found.upper_http);
    }
    let mut proxies = Proxies::none();
    if let Some(proxy) = proxy(found.http.as_ref().or(found.all.as_ref()))? {
        proxies = proxies.http(proxy);
    }
    if let Some(proxy) = proxy(found.https.as_ref().or(found.all.as_ref()))? {
        proxies = proxies.https(proxy);
    }
    if proxies.is_none() {
        // Nothing that a list of exceptions could be for.
        return Ok(proxies);
    }
    if let Some((name, list)) = &found.no {
        proxies = proxies.no_proxy(utf8(name, list)?);
    }
    Ok(proxies.loopback_direct(true))
}

fn proxy(variable: Option<&(OsString, OsString)>) -> Result<Option<Proxy>, Error> {
    let Some((name, value)) = variable else { return Ok(None) };
    let value = utf8(name, value)?.trim_ascii();
    if value.is_empty() {
        return Ok(None);
    }
    Proxy::try_from(value).map(Some).map_err(|error| {
        let message = format!("the environment variable {} cannot be used: {error}", name.to_string_lossy());
        Error::new(Kind::Builder, message).with_source(error)
    })
}

fn utf8<'a>(name: &OsStr, value: &'a OsStr) -> Result<&'a str, Error> {
    value.to_str().ok_or_else(|| {
        let message = format!("the environment variable {} cannot be used: it is not UTF-8", name.to_string_lossy());
        Error::new(Kind::Builder, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(vars: &[(&str, &str)], url: &str) -> Option<String> {
        let proxies = Proxies::from_vars(vars.iter().copied()).unwrap();
        proxies.proxy_for(&url.parse().unwrap()).map(|proxy| proxy.to_string())
    }

    #[test]
    fn lower_case_wins_in_either_order_and_empty_says_none() {
        let a = Some("http://a:80".to_owned());
        for (vars, want) in [
            (&[("http_proxy", "a"), ("HTTP_PROXY", "b")][..], &a),
            (&[("HTTP_PROXY", "b"), ("http_proxy", "a")], &a),
            (&[("ALL_PROXY", "b"), ("all_proxy", "a")], &a),
            (&[("all_proxy", "b"), ("HTTP_PROXY", "a")], &a),
            (&[("http_proxy", ""), ("HTTP_PROXY", "b"), ("ALL_PROXY", "b")], &None),
            (&[("HTTP_PROXY", "b"), ("REQUEST_METHOD", "GET")], &None),
            (&[("HTTP_PROXY", "b"), ("REQUEST_METHOD", "GET"), ("ALL_PROXY", "a")], &a),
            (&[("HTTP_PROXY", "b"), ("REQUEST_METHOD", ""), ("http_proxy", "a")], &a),
            (&[("Http_Proxy", "b"), ("https_proxy", "b")], &None),
            (&[("http_proxy", "a"), ("no_proxy", ""), ("NO_PROXY", "*")], &a),
        ] {
            assert_eq!(&through(vars, "http://x.test/"), want, "{vars:?}");
        }
    }

    #[test]
    fn loopback_goes_direct_unless_told_otherwise() {
        let vars = [("all_proxy", "a")];
        for url in ["http://localhost:1/", "https://127.0.0.9/", "http://[::1]/", "http://x.localhost/"] {
            assert_eq!(through(&vars, url), None, "{url}");
            let proxies = Proxies::from_vars(vars).unwrap().loopback_direct(false);
            assert!(proxies.proxy_for(&url.parse().unwrap()).is_some(), "{url}");
        }
    }

    #[test]
    fn an_error_names_the_variable_and_no_secret() {
        for (name, value) in [("HTTPS_PROXY", "ftp://u:s3cret@h"), ("all_proxy", "http://u:s3cret@h:x")] {
            let error = Proxies::from_vars([(name, value)]).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_no_text_is_an_error() {
        use std::os::unix::ffi::OsStringExt;
        for name in ["http_proxy", "no_proxy"] {
            let bad = OsString::from_vec(vec![b'h', 0xff]);
            let vars = [(OsString::from("all_proxy"), OsString::from("p")), (name.into(), bad)];
            assert!(Proxies::from_vars(vars).unwrap_err().to_string().contains(name));
        }
    }
}
