use ureq::Error;

pub fn form(url: &str) -> Result<String, Error> {
    ureq::post(url).send_form([("user", "ada"), ("tea", "green")])?.body_mut().read_to_string()
}
