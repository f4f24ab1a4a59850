use ureq::Error;

pub fn session(login: &str, account: &str) -> Result<String, Error> {
    let client = ureq::agent();
    client.post(login).send_form([("user", "ada")])?;
    client.get(account).call()?.body_mut().read_to_string()
}
