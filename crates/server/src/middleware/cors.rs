//! Pages of other sites (Fetch standard, "CORS protocol"): those on a list may ask with a token. Cookies never cross
//! sites: `Access-Control-Allow-Credentials` is never sent.
//!
//! There is one list for the deployment, and one for each tenant. A tenant is not in the address: who asks, and so for which
//! tenant, only the token says, and the question whether a page may ask (the preflight) carries none. Hence:
//!
//! - A preflight is answered for an origin that is on any list. That gives nothing away but that somebody has listed it.
//! - An answer of a tenant is told to origins of the deployment's list and of that tenant's. The browser keeps it from all
//!   others, though what was asked for has been done: as ever, CORS guards answers, and whoever has a token can ask without
//!   a browser. What a page of one tenant does not get is what it is told with the token of another.
//! - An answer that is nobody's, because nobody was recognised (401, 429, 503, a wrong password), is told to an origin that
//!   is on any list: otherwise a page could not tell an expired token from a broken network. Only under `/api` and `/graphql`:
//!   what is for the inside network is no tenant's.
//!
//! Whose an answer is, its head check has noted (`store::Stats`), or the handler says ([`Of`]).

use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use kernel::{Failure, Result, TenantId};
use store::{Stats, Store};
use users::Users;

const METHODS: &str = "GET, HEAD, POST, PATCH, DELETE";
const SENT: &str = "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Koyomi-Consistency, \
                    Koyomi-Timeout, X-Request-Id, traceparent";
const SHOWN: &str = "ETag, Koyomi-Consistency, X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, Server-Timing";
/// Seconds; browsers ask again after two hours anyway.
const REMEMBERED: &str = "7200";

/// Origins that are let in.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    everywhere: Vec<HeaderValue>,
    of_tenants: Vec<OfTenant>,
}

#[derive(Debug, Clone)]
struct OfTenant {
    slug: String,
    /// Known from when the deployment is.
    tenant: Option<TenantId>,
    origin: HeaderValue,
}

/// A page that is on a list.
#[derive(Debug, Clone)]
pub(super) struct Page {
    origin: HeaderValue,
    everywhere: bool,
}

/// Among the extensions of an answer: whose it is, where no head check was made for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Of(pub TenantId);

impl Origins {
    /// `everywhere` are origins, `of_tenants` are `slug=origin`.
    ///
    /// # Errors
    /// With what is wrong with the first that is none.
    pub fn of(everywhere: &[String], of_tenants: &[String]) -> Result<Self, String> {
        let of_tenant = |text: &String| {
            let (slug, origin) = text.split_once('=').unwrap_or_default();
            if slug.is_empty() {
                return Err(format!("`{text}` must be a tenant and an origin, like acme=https://calendar.example"));
            }
            Ok(OfTenant { slug: slug.to_owned(), tenant: None, origin: origin_of(origin)? })
        };
        Ok(Self {
            everywhere: everywhere.iter().map(|text| origin_of(text)).collect::<Result<_, _>>()?,
            of_tenants: of_tenants.iter().map(of_tenant).collect::<Result<_, _>>()?,
        })
    }

    /// Finds out which tenants were named.
    ///
    /// # Errors
    /// `validation_failed` for one that does not exist.
    pub(crate) async fn know(&mut self, users: &Users, store: &Store) -> Result<()> {
        for listed in &mut self.of_tenants {
            let found = users.find_tenant(&mut store.conn().await?, &listed.slug).await?;
            let unknown = || {
                let slug = &listed.slug;
                Failure::invalid(
                    "cors_tenants",
                    format!("there is no tenant `{slug}`; `koyomi tenant create` makes one"),
                )
            };
            listed.tenant = Some(found.ok_or_else(unknown)?);
        }
        Ok(())
    }

    /// The page that asks for `path`, if it is on a list.
    pub(super) fn asking(&self, request: &HeaderMap, path: &str) -> Option<Page> {
        let origin = request.get(ORIGIN)?;
        if let Some(origin) = self.everywhere.iter().find(|listed| *listed == origin) {
            return Some(Page { origin: origin.clone(), everywhere: true });
        }
        let for_tenants = path.starts_with("/api/") || path == "/graphql";
        let listed = self.of_tenants.iter().filter(|_| for_tenants).find(|listed| listed.origin == origin)?;
        Some(Page { origin: listed.origin.clone(), everywhere: false })
    }

    /// Whether it must be known who asks before an answer begins.
    pub(crate) fn depend_on_who(&self, request: &HeaderMap, path: &str) -> bool {
        self.asking(request, path).is_some_and(|page| !page.everywhere)
    }

    /// Lets the page read the answer, unless it is another tenant's. Read from `stats` before they are told.
    pub(super) fn tell(&self, page: Page, whose: Option<TenantId>, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        let lists = |tenant| self.of_tenants.iter().any(|of| of.tenant == Some(tenant) && of.origin == page.origin);
        if page.everywhere || whose.is_none_or(lists) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, page.origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SHOWN));
        }
    }
}

impl Page {
    /// Whose the answer is, where that matters.
    pub(super) fn whose(&self, response: &Response, stats: &Stats) -> Option<TenantId> {
        if self.everywhere {
            return None;
        }
        response.extensions().get().map(|Of(tenant)| *tenant).or_else(|| stats.tenant())
    }
}

fn origin_of(text: &str) -> Result<HeaderValue, String> {
    let uri: Option<Uri> = text.parse().ok();
    let whole = uri.is_some_and(|uri| {
        uri.scheme().is_some() && uri.authority().is_some() && uri.path() == "/" && uri.query().is_none()
    });
    let value = HeaderValue::from_str(text).ok().filter(|_| whole && !text.ends_with('/'));
    value.ok_or_else(|| format!("`{text}` is no origin: it must be like https://calendar.example"))
}

/// The answer to a browser that asks whether it may ask.
pub(super) fn preflight<B>(page: Option<&Page>, request: &Request<B>) -> Option<Response> {
    page?;
    if request.method() != Method::OPTIONS || !request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, SENT),
        (ACCESS_CONTROL_MAX_AGE, REMEMBERED),
    ];
    Some((StatusCode::NO_CONTENT, headers).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        let of = |text: &str| Origins::of(&[text.to_owned()], &[]);
        assert!(of("https://a.example").is_ok() && of("http://localhost:5173").is_ok());
        for bad in ["*", "a.example", "https://a.example/", "https://a.example/x", "https://", "null", ""] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_tenant_and_its_origin_are_one_text() {
        let of = |text: &str| Origins::of(&[], &[text.to_owned()]);
        assert!(of("acme=https://a.example").is_ok());
        for bad in ["https://a.example", "=https://a.example", "acme=", "acme=a.example", "acme"] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_answer_is_told_to_its_own_tenants_pages() {
        let ids = kernel::Ids::random(kernel::Clock::System);
        let (acme, other): (TenantId, TenantId) = (ids.mint(), ids.mint());
        let (shared, own) = ("https://all.example", "https://acme.example");
        let mut origins =
            Origins::of(&[shared.to_owned()], &[format!("acme={own}"), "other=https://o.example".to_owned()]).unwrap();
        origins.of_tenants[0].tenant = Some(acme);
        origins.of_tenants[1].tenant = Some(other);
        let told = |origin: &'static str, path, whose| {
            let asked = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static(origin))]);
            let mut headers = HeaderMap::new();
            if let Some(page) = origins.asking(&asked, path) {
                origins.tell(page, whose, &mut headers);
            }
            headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN)
        };
        assert!(told(own, "/api/me", Some(acme)) && told(own, "/graphql", Some(acme)));
        assert!(!told(own, "/api/me", Some(other)), "another tenant's");
        assert!(told(own, "/api/me", None), "nobody's");
        assert!(!told(own, "/metrics", None), "for the inside network");
        assert!(told(shared, "/api/me", Some(other)) && told(shared, "/metrics", None));
        assert!(!told("https://else.example", "/api/me", None));
    }
}
