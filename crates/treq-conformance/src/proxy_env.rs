//! Which proxy the environment gives a URL.

use http::Uri;
use serde_json::Value;
use treq::{Error, Proxies, Proxy};

use crate::{Row, cookies};

pub(crate) fn play(_: &str, row: &Row) -> Result<(), String> {
    if let Some(bypass) = row.get("expect_bypass") {
        return goes_direct(row, bypass.as_bool().ok_or("no verdict")?);
    }
    let proxies = proxies(row)?.map_err(|error| error.to_string())?;
    let found = proxies.proxy_for(&cookies::url(row.text("url").ok_or("no url")?)?);
    let want = match row.get("expect_proxy").ok_or("no expectation")? {
        Value::Null => None,
        want => Some(Proxy::try_from(want.as_str().ok_or("no proxy")?).map_err(|error| error.to_string())?),
    };
    if found == want { Ok(()) } else { Err(format!("{found:?}, not {want:?}")) }
}

/// What the client makes of the row's variables.
pub(crate) fn proxies(row: &Row) -> Result<Result<Proxies, Error>, String> {
    let vars = row.get("env").and_then(Value::as_object).ok_or("no env")?;
    let vars = vars.iter().map(|(name, value)| Some((name, value.as_str()?))).collect::<Option<Vec<_>>>();
    Ok(Proxies::from_vars(vars.ok_or("a variable is no text")?))
}

fn goes_direct(row: &Row, want: bool) -> Result<(), String> {
    let proxy = Proxy::try_from("http://p.test").map_err(|error| error.to_string())?;
    let proxies = Proxies::all(proxy).no_proxy(row.text("no_proxy").ok_or("no no_proxy")?);
    let host = row.text("host").ok_or("no host")?;
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let url: Uri = format!("http://{host}/").parse().map_err(|_| format!("{host} is no host"))?;
    let direct = proxies.proxy_for(&url).is_none();
    if direct == want { Ok(()) } else { Err(format!("it goes past the proxy: {direct}")) }
}
