//! Serves a text over HTTP to whoever scrapes it.
//!
//! One request for each connection, so many connections at a time, and a few seconds for each: a client that is slow or
//! silent keeps nobody else waiting.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aofkit::metrics::CONTENT_TYPE;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE as TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;

/// Connections at a time.
const CONNECTIONS: usize = 256;

/// The longest time for the head of a request.
const HEAD: Duration = Duration::from_secs(5);

/// The longest time for a whole connection.
const CONNECTION: Duration = Duration::from_secs(10);

/// How long is waited when the system gives no connection, such as for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// What is served; nothing yet before the first look is done.
#[derive(Clone, Debug, Default)]
pub struct Page(Arc<Mutex<Option<Bytes>>>);

impl Page {
    /// From now on this.
    pub fn set(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.into());
    }

    fn now(&self) -> Option<Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Serves it for ever.
///
/// # Errors
/// When the system does not let it begin.
pub fn serve(listener: TcpListener, page: Page) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(accept(listener, page))
}

async fn accept(listener: TcpListener, page: Page) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Where all places are taken the next client waits, at most as long as a connection may take.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return Ok(()) };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let page = page.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |request| {
                let response = answer(&request, page.now());
                async move { Ok::<_, Infallible>(response) }
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), answer);
            // A client that goes away or talks nonsense is no matter of ours.
            let _ = tokio::time::timeout(CONNECTION, served).await;
            drop(place);
        });
    }
}

fn answer(request: &Request<Incoming>, page: Option<Bytes>) -> Response<Full<Bytes>> {
    let plain = |status: StatusCode, text: &'static str| {
        let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
        *response.status_mut() = status;
        response
    };
    let mut response = match (request.uri().path(), page) {
        ("/metrics", _) if ![Method::GET, Method::HEAD].contains(request.method()) => {
            let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD\n");
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            refused
        }
        ("/metrics", Some(page)) => Response::new(Full::new(page)),
        ("/metrics", None) => {
            plain(StatusCode::SERVICE_UNAVAILABLE, "the first look is not done\n")
        }
        _ => plain(StatusCode::NOT_FOUND, "the metrics are at /metrics\n"),
    };
    let headers = response.headers_mut();
    headers.insert(TYPE, HeaderValue::from_static(CONTENT_TYPE));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
