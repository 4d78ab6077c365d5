use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, HOST, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::error::Answer;
use crate::extract::{Body, Presented, SESSION_COOKIE};
use crate::middleware::cors::Of;
use crate::shape::Json;
use crate::shape::token::{Login, Session};
use crate::state::App;

/// Sign in
///
/// Opens a session of 30 days. The answer holds its token for `Authorization: Bearer`; browsers may rely on the HttpOnly
/// cookie that comes with it.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "auth", security(()),
    request_body = Login,
    responses((status = 200, body = Session, description = "Signed in."), (status = 401, description = "Wrong address or password."))
)]
pub(crate) async fn login(State(app): State<App>, headers: HeaderMap, Body(input): Body<Login>) -> Answer {
    app.guard.rates.signs_in(input.tenant.as_deref().unwrap_or_default(), &input.email).await?;
    let signed_in = app.koyomi.users.login(input.tenant.as_deref(), &input.email, input.password).await?;
    let lasts = signed_in.expires_at - app.koyomi.store.clock().now();
    let cookie = cookie(&headers, signed_in.secret.expose(), lasts.num_seconds());
    let of = Of(signed_in.user.tenant_id);
    let mut response = with_cookie(cookie, Json(Session::from(signed_in)));
    response.extensions_mut().insert(of);
    Ok(response)
}

/// Sign out
///
/// Ends the session that the request carries, and takes the cookie away. Doing so twice is no error.
#[utoipa::path(
    post, path = "/api/auth/logout", tag = "auth", security((), ("bearer" = []), ("cookie" = [])),
    responses((status = 204, description = "Signed out."), (status = 403, description = "An API token was sent: revoke it instead."))
)]
pub(crate) async fn logout(State(app): State<App>, headers: HeaderMap, Presented(secret): Presented) -> Answer {
    if let Some(secret) = secret {
        app.koyomi.users.logout(&secret).await?;
    }
    Ok(with_cookie(cookie(&headers, "", 0), StatusCode::NO_CONTENT))
}

/// The session cookie for that many seconds; for none it is taken away.
fn cookie(headers: &HeaderMap, secret: &str, seconds: i64) -> String {
    let secure = if is_loopback(headers) { "" } else { "; Secure" };
    format!("{SESSION_COOKIE}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// Browsers drop a Secure cookie that comes over plain HTTP; on the developer's own machine that is what there is.
fn is_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

fn with_cookie(cookie: String, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    let headers = response.headers_mut();
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        headers.append(SET_COOKIE, cookie);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
