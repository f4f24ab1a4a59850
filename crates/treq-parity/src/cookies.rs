//! Cookies over several calls of one client, and jars by themselves.
use http::Uri;
use treq::{Cookie, Jar};

use crate::call::{self, Refusal};
use crate::case::{Case, Compared, Mismatch};
use crate::json::{self, Json};
use crate::world::{Step, World};
use crate::{profile, request, wire};

/// Plays `same_client`, `scoped_cookie`, and jars that are searched and looked into.
pub(crate) async fn play(case: &Case) -> Result<Option<Vec<Mismatch>>, String> {
    let given = |key: &str| case.given.get(key);
    let mut compared = Compared::default();
    if let Some(steps) = given("same_client").and_then(Json::list) {
        same_client(case, steps, &mut compared).await?;
    } else if let Some(scoped) = given("scoped_cookie").and_then(Json::list) {
        let made = cookie(scoped)?.ok_or("a cookie has a value")?;
        attributes(&mut compared, &case.expect, &made)?;
    } else if let (Some(jar), Some(search)) = (given("jar"), given("search").and_then(Json::list)) {
        search_all(case, &filled(jar)?, search, &mut compared)?;
    } else if let (Some(jar), Some(name)) = (given("jar"), given("index").and_then(Json::text)) {
        index(case, &filled(jar)?, name, &mut compared)?;
    } else {
        return Ok(None);
    }
    Ok(Some(compared.0))
}

async fn same_client(case: &Case, steps: &[Json], compared: &mut Compared) -> Result<(), String> {
    let jar = case.given.get("initial_jar").and_then(|jar| jar.marked("cookie_jar")).map(call::jar_of).transpose()?;
    let world = World::default();
    let client = profile::client(&world, jar)?;
    let wanted = case.expect.get("steps").and_then(Json::list).unwrap_or_default();
    for (at, step) in steps.iter().enumerate() {
        let (method, url) = ["get", "head", "post", "put", "delete", "patch", "options"]
            .into_iter()
            .find_map(|verb| Some((verb.to_ascii_uppercase(), step.get(verb)?)))
            .ok_or_else(|| format!("{step} is no step that is known"))?;
        let mut call = vec![("method".to_owned(), Json::Text(method)), ("url".to_owned(), url.clone())];
        let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n".to_vec();
        for (key, value) in step.map().unwrap_or_default() {
            match key.as_str() {
                "server_sets" => {
                    for cookie in value.list().unwrap_or_default() {
                        answer.extend_from_slice(b"Set-Cookie: ");
                        answer.extend(json::bytes(cookie.text().ok_or("a cookie is a text")?)?);
                        answer.extend_from_slice(b"\r\n");
                    }
                }
                "get" | "head" | "post" | "put" | "delete" | "patch" | "options" => {}
                _ => call.push((key.clone(), value.clone())),
            }
        }
        answer.extend_from_slice(b"\r\n");
        world.then([Step::Send(answer)]);
        let asked = world.requests().len();
        let outcome = match call::make(&client, &Json::Map(call)) {
            Ok(made) => made.request.await.map(drop).map_err(|error| error.to_string()),
            Err(Refusal::NoCounterpart(why)) => Err(why.to_owned()),
            Err(Refusal::Unknown(why)) => return Err(why),
        };
        let want = wanted.get(at);
        match (outcome, want.and_then(|want| want.get("error"))) {
            (Ok(()), None) => {}
            (Err(_), Some(_)) => continue,
            (Ok(()), Some(want)) => compared.0.push(Mismatch::new("step.outcome", want, "an answer")),
            (Err(why), None) => compared.0.push(Mismatch::new("step.outcome", "an answer", why)),
        }
        if let Some(lines) = want.and_then(|want| want.get("sent_cookie_lines")).and_then(Json::list) {
            let lines: Vec<_> = lines.iter().map(|line| line.text().unwrap_or_default().to_owned()).collect();
            let sent = match world.requests().get(asked) {
                Some(request) => wire::Message::parse(&request.bytes)?.values("cookie"),
                None => Vec::new(),
            };
            let sent: Vec<_> = sent.into_iter().map(|value| format!("Cookie: {value}")).collect();
            compared.same("step.cookies", lines.join("\n"), sent.join("\n"));
        }
        if let (Some(wire), Some(sent)) = (want.and_then(|want| want.get("wire")?.text()), world.requests().get(asked))
        {
            let mut one = Compared::default();
            request::compare(&mut one, &json::bytes(wire)?, &sent.bytes)?;
            // Its cookies have just been looked at.
            compared.0.extend(one.0.into_iter().filter(|mismatch| mismatch.field != "request.field.cookie"));
        }
    }
    for key in case.expect.map().unwrap_or_default().iter().map(|(key, _)| key.as_str()) {
        match key {
            "steps" | "note" => {}
            "jar_after" => jar_after(case, client.jar().ok_or("the client has no jar")?, compared)?,
            other => return Err(format!("what {other:?} expects is not known")),
        }
    }
    Ok(())
}

/// Where a cookie is kept: domain as the original writes it, path, name.
fn place(cookie: &Cookie) -> String {
    let dot = if cookie.host_only() { "" } else { "." };
    format!("{dot}{} {} {}", cookie.domain(), cookie.path(), json::latin1(cookie.name()))
}

fn jar_after(case: &Case, jar: &Jar, compared: &mut Compared) -> Result<(), String> {
    let want = case.expect.get("jar_after").and_then(Json::list).ok_or("a jar is a list")?;
    let mut there: Vec<Cookie> = jar.iter().collect();
    for want in want {
        let text = |key: &str| want.get(key).and_then(Json::text).unwrap_or_default();
        let here = format!("{} {} {}", text("domain"), text("path"), text("name"));
        match there.iter().position(|cookie| place(cookie) == here) {
            Some(at) => attributes(compared, want, &there.swap_remove(at))?,
            None => compared.0.push(Mismatch::new("jar.without", here, "(none)")),
        }
    }
    let more = there.iter().map(|cookie| Mismatch::new("jar.with", "(none)", place(cookie)));
    compared.0.extend(more);
    Ok(())
}

fn attributes(compared: &mut Compared, want: &Json, seen: &Cookie) -> Result<(), String> {
    let text = |want: &Json| want.text().map_or_else(|| want.to_string(), str::to_owned);
    for (key, want) in want.map().unwrap_or_default() {
        match key.as_str() {
            "note" => {}
            "domain" => compared.same("cookie.domain", text(want).trim_start_matches('.'), seen.domain()),
            "path" => compared.same("cookie.path", text(want), seen.path()),
            "name" => compared.same("cookie.name", text(want), json::latin1(seen.name())),
            "value" => compared.same("cookie.value", text(want), json::latin1(seen.value())),
            "secure" => compared.same("cookie.secure", want, seen.secure()),
            "persistent" => compared.same("cookie.persistent", want, seen.expires().is_some()),
            // A cookie knows no port.
            "port" => compared.same("cookie.port", want, Json::Null),
            "port_specified" => compared.same("cookie.port", want, false),
            "domain_specified" => compared.same("cookie.domain_specified", want, !seen.host_only()),
            "expires" => compared.same("cookie.expires", want.is_falsy(), seen.expires().is_none()),
            "discard" => compared.same("cookie.discard", want, seen.expires().is_none()),
            other => return Err(format!("what {other:?} expects of a cookie is not known")),
        }
    }
    Ok(())
}

/// Of an origin, a name and a value; none without a value.
fn cookie(three: &[Json]) -> Result<Option<Cookie>, String> {
    let [origin, name, value] = three else { return Err("a cookie has an origin, a name and a value".to_owned()) };
    let origin = origin.text().ok_or("an origin is a text")?;
    let url: Uri = treq_core::uri::parse(origin).map_err(|error| error.to_string())?.uri;
    let Some(value) = value.text() else { return Ok(None) };
    let made = Cookie::builder(&url, name.text().unwrap_or_default(), value).build();
    made.map(Some).map_err(|error| error.to_string())
}

fn filled(cookies: &Json) -> Result<Jar, String> {
    let jar = Jar::new();
    for three in cookies.list().ok_or("a jar is a list")? {
        if let Some(cookie) = cookie(three.list().unwrap_or_default())? {
            jar.insert(cookie);
        }
    }
    Ok(jar)
}

fn search_all(case: &Case, jar: &Jar, search: &[Json], compared: &mut Compared) -> Result<(), String> {
    let found = search.iter().map(|search| {
        let domain = search.get("domain").and_then(Json::text).unwrap_or_default();
        let cookies = jar.search(domain, search.get("name").and_then(Json::text));
        let pair = |cookie: &Cookie| format!("{}={}", json::latin1(cookie.name()), json::latin1(cookie.value()));
        let mut pairs: Vec<_> = cookies.iter().map(|cookie| Json::Text(pair(cookie))).collect();
        pairs.sort_unstable_by_key(Json::to_string);
        Json::List(pairs)
    });
    let found = Json::List(found.collect());
    compared.same("jar.found", case.expect.get("found").ok_or("what is found is expected")?, found);
    Ok(())
}

fn index(case: &Case, jar: &Jar, name: &str, compared: &mut Compared) -> Result<(), String> {
    let seen = match jar.get(name) {
        Ok(Some(cookie)) => json::latin1(cookie.value()),
        Ok(None) => "KeyError".to_owned(),
        Err(_) => "CookieCollision".to_owned(),
    };
    let error = case.expect.get("error").map(|error| error.get("kind").unwrap_or(error));
    let want = error.or_else(|| case.expect.get("result")).and_then(Json::text).ok_or("a result is expected")?;
    compared.same("jar.index", want, seen);
    Ok(())
}
