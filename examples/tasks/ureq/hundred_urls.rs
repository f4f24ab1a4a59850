use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use ureq::Error;

pub fn hundred_urls(urls: &[String]) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let pool = ThreadPoolBuilder::new().num_threads(10).build()?;
    let text = |url| ureq::get(url).call()?.body_mut().read_to_string();
    Ok(pool.install(|| urls.par_iter().map(text).collect::<Result<_, Error>>())?)
}
