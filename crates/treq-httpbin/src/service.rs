use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::header::{ACCESS_CONTROL_REQUEST_HEADERS, ALLOW, CONTENT_LENGTH, ORIGIN, SERVER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::ext::ReasonPhrase;
use tower_service::Service;

use crate::body::Body;
use crate::call::{Call, segments};
use crate::content::Content;
use crate::reply::Reply;
use crate::route::{Reads, Route, find};

/// The service behind a [`Server`](crate::Server): to be put behind a pipe in memory, or called as it is.
#[derive(Clone, Debug, Default)]
pub struct Httpbin {
    secure: bool,
    peer: Option<IpAddr>,
}

/// An answer on its way: the future of [`Httpbin`].
pub struct Answering(Pin<Box<dyn Future<Output = Response<Body>> + Send>>);

impl Httpbin {
    /// One that is asked in the clear by nobody in particular.
    pub fn new() -> Httpbin {
        Httpbin::default()
    }

    pub(crate) fn at(secure: bool, peer: Option<IpAddr>) -> Httpbin {
        Httpbin { secure, peer }
    }

    async fn answer<B>(self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
    {
        let (head, body) = request.into_parts();
        let segments = segments(head.uri.path());
        let route = find(&segments.iter().map(String::as_str).collect::<Vec<_>>());
        let (method, headers) = (head.method.clone(), head.headers.clone());
        let reads = route.as_ref().map_or(Reads::Length, |route| route.reads);
        let read = read(body, reads).await;
        let reply = match (route, read) {
            (_, None) => Reply::page(400, "The content of the request broke off."),
            (None, _) => Reply::page(404, "There is nothing at this URL. Is it spelled as you meant it?"),
            (Some(route), Some(read)) if route.allows(&method) => {
                let peer = self.peer.map(|ip| ip.to_string()).unwrap_or_default();
                let mut call = Call::new(head, segments, peer, self.secure);
                call.length = read.length;
                call.content = Content::read(&headers, read.data).await;
                (route.run)(&call)
            }
            (Some(route), Some(_)) => not_run(&route, &method),
        };
        finish(reply.ready().await, &method, &headers)
    }
}

impl<B> Service<Request<B>> for Httpbin
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answering {
        Answering(Box::pin(self.clone().answer(request)))
    }
}

impl Future for Answering {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answering")
    }
}

struct Read {
    data: Bytes,
    length: u64,
}

/// Reads a body to its end, always: a connection with an unread rest could not be used again. Only what the endpoint
/// looks at is kept. None where it breaks off.
async fn read<B: http_body::Body<Data = Bytes>>(body: B, reads: Reads) -> Option<Read> {
    let mut body = Box::pin(body);
    let (mut kept, mut length) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.ok()?.into_data() {
            length += data.len() as u64;
            if reads == Reads::Content {
                kept.extend_from_slice(&data);
            }
        }
    }
    Some(Read { data: kept.freeze(), length })
}

/// The answer to a method for which the endpoint itself is not asked.
fn not_run(route: &Route, method: &Method) -> Reply {
    let reply = match *method {
        Method::OPTIONS => Reply::empty(200),
        _ => Reply::page(405, "This URL is not for that method."),
    };
    reply.header(ALLOW.as_str(), &route.allow())
}

/// What every answer gets.
fn finish(mut response: Response<Body>, method: &Method, asked: &HeaderMap) -> Response<Body> {
    let fields = response.headers_mut();
    let origin = asked.get(ORIGIN).cloned();
    fields.insert("access-control-allow-origin", origin.unwrap_or(HeaderValue::from_static("*")));
    fields.insert("access-control-allow-credentials", HeaderValue::from_static("true"));
    if method == Method::OPTIONS {
        let methods = HeaderValue::from_static("GET, POST, PUT, DELETE, PATCH, OPTIONS");
        fields.insert("access-control-allow-methods", methods);
        fields.insert("access-control-max-age", HeaderValue::from_static("3600"));
        if let Some(wanted) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            fields.insert("access-control-allow-headers", wanted.clone());
        }
    }
    fields.insert(SERVER, HeaderValue::from_static("treq-httpbin"));
    if method == Method::HEAD {
        if let Some(length) = http_body::Body::size_hint(response.body()).exact() {
            response.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
        }
        *response.body_mut() = Body::from("");
    }
    if matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        *response.body_mut() = Body::from("");
    }
    if let Ok(reason) = ReasonPhrase::try_from(reason(response.status()).to_uppercase()) {
        response.extensions_mut().insert(reason);
    }
    response
}

/// The reason phrases of httpbin's server: some are those of an older RFC.
fn reason(status: StatusCode) -> &'static str {
    match status.as_u16() {
        413 => "Request Entity Too Large",
        414 => "Request URI Too Long",
        416 => "Requested Range Not Satisfiable",
        _ => status.canonical_reason().unwrap_or("Unknown"),
    }
}
