//! What stands around every router: request id, one log line per request, errors as
//! problem+json, panics caught.

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use http_body::Body as _;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use uuid::Uuid;

use super::caller::Caller;
use super::page::{self, Language};
use super::problem::{DATABASE_DAMAGED, Problem};
use super::request_line::{CLIENT, Permitted, RequestLine, TOKEN};
use super::{shedding, unread};
use crate::process::Process;
use crate::process::tasks::words;

/// The id of a request, the same in the answer, in the log and in every call made for it.
pub static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Who gets a page in place of a problem's JSON, and in which language.
pub type Page = fn(&HeaderMap) -> Option<Language>;

#[derive(Clone)]
struct Edge {
    process: Process,
    page: Option<Page>,
}

/// Puts the edge around routes. `page` says who gets pages in place of problems; without it nobody does.
pub fn edge(process: &Process, page: Option<Page>, routes: Router) -> Router {
    let edge = Edge {
        process: process.clone(),
        page,
    };
    let settings = &process.settings.http;
    // The first is the outermost.
    let layers = ServiceBuilder::new()
        .layer(from_fn(note_route))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(DefaultBodyLimit::max(settings.max_json_bytes));
    // Layers of a router are inside of what adds `Allow` to a 405, and these are around that.
    let outer = ServiceBuilder::new()
        .map_request(with_id_of_ours)
        .layer(SetRequestIdLayer::new(REQUEST_ID.clone(), NewId))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID.clone()))
        .layer(from_fn_with_state(edge, around));
    shedding::shed(settings, &routes.layer(layers)).layer(outer)
}

/// The id of a request that came without one of ours.
#[derive(Clone, Copy)]
struct NewId;

impl MakeRequestId for NewId {
    fn make_request_id<B>(&mut self, _: &http::Request<B>) -> Option<RequestId> {
        let id = HeaderValue::from_str(&Uuid::now_v7().to_string());
        id.ok().map(RequestId::new)
    }
}

/// Keeps the client's or the gateway's id when it is one of ours to repeat: what is logged is never chosen freely by a
/// client (log injection).
fn with_id_of_ours(mut request: Request) -> Request {
    let headers = request.headers_mut();
    let given = headers.remove(&REQUEST_ID);
    let ours = given.and_then(|given| Uuid::try_parse(given.to_str().ok()?).ok());
    if let Some(Ok(id)) = ours.map(|id| HeaderValue::from_str(&id.to_string())) {
        headers.insert(REQUEST_ID.clone(), id);
    }
    request
}

/// What is answered where no route is. Layers that are put around `routes` after this are around it too.
pub fn with_fallbacks<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    routes
        .fallback(|uri: Uri| async move { Problem::no_such_address(uri.path()) })
        .method_not_allowed_fallback(method_not_allowed)
}

/// Tells [`around`] which route it was.
async fn note_route(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

/// Answered by [`wrong_method`], when the router has said which methods there are.
async fn method_not_allowed() -> StatusCode {
    StatusCode::METHOD_NOT_ALLOWED
}

/// 405 that names the methods there are: most programs do not show the `Allow` that names them.
fn wrong_method(method: &Method, response: &Response) -> Option<Problem> {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return None;
    }
    let allowed = response.headers().get(ALLOW);
    let allowed = allowed.and_then(|allowed| allowed.to_str().ok());
    Some(Problem::method_not_allowed(
        method,
        allowed.unwrap_or_default(),
    ))
}

/// Everything that happens once per request, outermost.
async fn around(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let mut line = line_of(&edge, &request);
    let permitted = Permitted::default();
    request.extensions_mut().insert(permitted.clone());
    let (request, reading) = unread::noted(request);
    let mut response = next.run(request).await;
    let route = response.extensions_mut().remove::<MatchedPath>();
    line.route = route.map(|route| route.as_str().to_owned());
    let problem = response.extensions_mut().remove::<Problem>();
    let problem = problem.or_else(|| wrong_method(&line.method, &response));
    let problem = problem.map(|problem| edge.told(problem));
    if let Some(problem) = &problem {
        response = render(problem, &headers, &line.request_id, edge.page, &response);
    }
    line.received = reading.bytes();
    line.token = permitted.0.get().cloned();
    let token = line.token.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(token)) = token {
        response.headers_mut().insert(TOKEN.clone(), token);
    }
    if !reading.has_ended() {
        let last = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, last);
    }
    let cause = problem.as_ref().and_then(Problem::cause);
    line.answered(&edge.process.metrics, response.status(), cause);
    line.write(length(&response));
    response
}

impl Edge {
    /// The problem as it is told: a damaged database is named.
    fn told(&self, mut problem: Problem) -> Problem {
        if problem.code == DATABASE_DAMAGED {
            let damage = &self.process.damage;
            damage.find(&problem.cause().unwrap_or_default());
            problem.detail = damage.words();
        }
        problem
    }
}

/// What is known of a request before it is answered.
fn line_of(edge: &Edge, request: &Request) -> RequestLine {
    let headers = request.headers();
    // Nobody but the gateway knows who the client is: another caller's word would put a name of its choice into the log.
    let caller = request.extensions().get::<Caller>();
    let of_gateway = caller.is_some_and(|Caller(caller)| &**caller == "gateway");
    let client = headers.get(&CLIENT).filter(|_| of_gateway);
    let mut line = RequestLine::begin(edge.process.service, request_id(headers), request);
    line.client = client.and_then(|client| client.to_str().ok()?.parse().ok());
    line
}

/// Bytes that the answer has, or says that it has to HEAD.
fn length(response: &Response) -> u64 {
    let announced = response.headers().get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
    let exact = || response.body().size_hint().exact();
    announced.or_else(exact).unwrap_or_default()
}

/// As the layers outside have put it there; handlers read it there too, and it goes into rows and calls.
fn request_id(headers: &HeaderMap) -> String {
    let id = headers.get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    id.unwrap_or_default().to_owned()
}

fn render(
    problem: &Problem,
    headers: &HeaderMap,
    id: &str,
    wanted: Option<Page>,
    bare: &Response,
) -> Response {
    let language = wanted.and_then(|wanted| wanted(headers));
    let mut answer = page::answer(problem, language, id).map(Body::from);
    // What the layers below have added, such as Allow, stays.
    for (name, value) in bare.headers() {
        if name != http::header::CONTENT_LENGTH {
            answer.headers_mut().insert(name.clone(), value.clone());
        }
    }
    answer
}

#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let words = words(&*panic);
    Problem::internal(format!("a handler panicked: {words}")).into_response()
}
