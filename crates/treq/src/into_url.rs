use std::borrow::Cow;

use http::Uri;
use url::Url;

/// What a URL is given as: text, an [`http::Uri`], such as [`Response::url`](crate::Response::url), or a [`url::Url`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
/// # let server = treq_httpbin::Server::start().await.unwrap();
/// let first = treq::get(server.url("/get")).await?;
/// let again = treq::get(first.url()).await?;
/// assert_eq!(again.url(), first.url());
/// # Ok(()) }
/// ```
pub trait IntoUrl: sealed::Text {}

pub(crate) mod sealed {
    /// Not to be implemented outside, so that more may be asked of a URL later.
    pub trait Text {
        /// Hands the text on: most have it already.
        fn with<T>(self, read: impl FnOnce(&str) -> T) -> T;
    }
}

macro_rules! text {
    ($($of:ty),+ $(,)?) => {$(
        impl IntoUrl for $of {}

        impl sealed::Text for $of {
            fn with<T>(self, read: impl FnOnce(&str) -> T) -> T {
                read(self.as_ref())
            }
        }
    )+};
}

text! { &str, &&str, String, &String, Cow<'_, str>, &Cow<'_, str>, Box<str>, Url, &Url }

impl IntoUrl for Uri {}

impl sealed::Text for Uri {
    fn with<T>(self, read: impl FnOnce(&str) -> T) -> T {
        (&self).with(read)
    }
}

impl IntoUrl for &Uri {}

impl sealed::Text for &Uri {
    fn with<T>(self, read: impl FnOnce(&str) -> T) -> T {
        read(&self.to_string())
    }
}
