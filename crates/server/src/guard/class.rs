use http::Method;

/// Kinds of requests that are treated alike: by one deadline, one share of what is under way at once, one quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Probes, metrics, documentation: never refused, so that whoever looks after the instance sees what is going on.
    Operation,
    /// Signing in: a hash that is slow on purpose.
    Login,
    Read,
    Write,
    /// A document: what it is, only reading it tells.
    Graphql,
    /// Whole calendars in and out, and what takes long on purpose.
    Bulk,
    /// What stays open; bounded elsewhere ([`crate::live`]).
    Live,
}

impl Class {
    pub(crate) const ALL: [Self; 7] =
        [Self::Operation, Self::Login, Self::Read, Self::Write, Self::Graphql, Self::Bulk, Self::Live];

    pub(crate) fn of(method: &Method, path: &str) -> Self {
        match path {
            // Whether somebody may ask; where it is no such question, the answer is 405.
            _ if method == Method::OPTIONS => Self::Operation,
            "/graphql" => Self::Graphql,
            "/graphql/ws" => Self::Live,
            "/api/auth/login" => Self::Login,
            "/api/openapi.json" => Self::Operation,
            _ if !path.starts_with("/api/") => Self::Operation,
            "/api/admin/heap" => Self::Bulk,
            _ if path.ends_with("/export") || path.ends_with("/import") => Self::Bulk,
            _ if method.is_safe() => Self::Read,
            _ => Self::Write,
        }
    }

    /// As metrics and quotas call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Login => "login",
            Self::Read => "read",
            Self::Write => "write",
            Self::Graphql => "graphql",
            Self::Bulk => "bulk",
            Self::Live => "live",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_a_method_have_one_class() {
        let of = |method, path| Class::of(&method, path);
        assert_eq!(of(Method::GET, "/api/calendars/1/events"), Class::Read);
        assert_eq!(of(Method::HEAD, "/api/me"), Class::Read);
        assert_eq!(of(Method::DELETE, "/api/events/1"), Class::Write);
        assert_eq!(of(Method::POST, "/api/auth/login"), Class::Login);
        assert_eq!(of(Method::POST, "/api/calendars/1/import"), Class::Bulk);
        assert_eq!(of(Method::POST, "/graphql"), Class::Graphql);
        assert_eq!(of(Method::GET, "/graphql/ws"), Class::Live);
        for path in ["/healthz", "/readyz", "/metrics", "/docs/", "/problems/x", "/api/openapi.json"] {
            assert_eq!(of(Method::GET, path), Class::Operation, "{path}");
        }
    }

    #[test]
    fn classes_are_numbered_as_they_are_listed() {
        assert!(Class::ALL.iter().enumerate().all(|(n, class)| class.index() == n));
    }
}
