//! Documents that are known by a name instead of being sent: automatic persisted queries, and lists of what is allowed.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use async_graphql::parser::parse_query;
use kernel::{Failure, Result, TenantId};
use moka::sync::Cache;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Limits;

/// Tenants whose documents are kept.
const TENANTS: u64 = 256;

pub(super) type Hash = [u8; 32];

/// What is known by its hash: of each tenant what it has sent itself, so that nobody learns from it what others ask.
pub(in crate::graphql) struct Documents {
    limits: Limits,
    kept: Cache<TenantId, Cache<Hash, Arc<str>>>,
    allowed: Option<Allowed>,
}

/// The only documents that are run.
pub(crate) struct Allowed {
    by_id: HashMap<String, Arc<str>>,
    texts: HashSet<Arc<str>>,
}

impl fmt::Debug for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allowed").field("documents", &self.by_id.len()).finish()
    }
}

/// Apollo's manifest, or Relay's (a document by its id).
#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Apollo { operations: Vec<ApolloOperation> },
    Relay(HashMap<String, String>),
}

#[derive(Deserialize)]
struct ApolloOperation {
    id: String,
    body: String,
}

impl Allowed {
    /// Reads a list: `{"operations": [{"id", "body"}]}`, as Apollo's `generate-persisted-query-manifest` writes it, or
    /// `{id: document}`, as relay-compiler does.
    ///
    /// # Errors
    /// With the place, for what is no such list or holds what is no document.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let manifest: Manifest = serde_json::from_str(text)
            .map_err(|_| "must be JSON: {\"operations\": [{\"id\": …, \"body\": …}]} or {id: document}".to_owned())?;
        let pairs: Vec<(String, String)> = match manifest {
            Manifest::Apollo { operations } => operations.into_iter().map(|o| (o.id, o.body)).collect(),
            Manifest::Relay(pairs) => pairs.into_iter().collect(),
        };
        let mut by_id = HashMap::with_capacity(pairs.len());
        for (id, body) in pairs {
            parse_query(&body).map_err(|error| format!("document {id}: {error}"))?;
            by_id.insert(id, Arc::from(body));
        }
        let texts = by_id.values().cloned().collect();
        Ok(Self { by_id, texts })
    }
}

/// How a client names its document.
#[derive(Debug, Default)]
pub(super) struct Named<'a> {
    pub text: Option<&'a str>,
    /// SHA-256 in hexadecimal, or the id in a list.
    pub id: Option<&'a str>,
}

/// What became of a name.
#[derive(Debug)]
pub(super) enum Found {
    Text(Arc<str>),
    /// The same, and worth keeping when it turns out to be a document.
    New(Arc<str>, Hash),
    /// It is for the client to send it once.
    Unknown,
}

impl Documents {
    pub(in crate::graphql) fn new(limits: Limits, allowed: Option<Allowed>) -> Self {
        Self { limits, kept: Cache::new(TENANTS), allowed }
    }

    /// Whether only listed documents are run.
    pub(super) fn is_closed(&self) -> bool {
        self.allowed.is_some()
    }

    /// `tenant` is that of the caller, where a document is named.
    ///
    /// # Errors
    /// `query_not_listed` where only listed ones are run; `malformed_request` for a hash that is none, or not the text's.
    pub(super) fn find(&self, named: &Named<'_>, tenant: Option<TenantId>) -> Result<Found> {
        if let Some(allowed) = &self.allowed {
            return allowed.find(named).map(Found::Text).ok_or_else(not_listed);
        }
        let Some(id) = named.id else {
            return named.text.map(|text| Found::Text(text.into())).ok_or_else(|| {
                Failure::malformed("/query", "must be a GraphQL document, or name one in extensions.persistedQuery")
            });
        };
        let hash = hash_of(id).ok_or_else(|| wrong_hash("must be 64 hexadecimal digits"))?;
        match named.text {
            Some(text) if Hash::from(Sha256::digest(text)) == hash => Ok(Found::New(text.into(), hash)),
            Some(_) => Err(wrong_hash("is not the SHA-256 of the query beside it")),
            None => {
                let kept = tenant.and_then(|tenant| self.kept.get(&tenant)).and_then(|kept| kept.get(&hash));
                Ok(kept.map_or(Found::Unknown, Found::Text))
            }
        }
    }

    pub(super) fn keep(&self, tenant: TenantId, hash: Hash, text: Arc<str>) {
        let most = self.limits.persisted_bytes;
        let kept = self.kept.get_with(tenant, || {
            let weight = |_: &Hash, text: &Arc<str>| u32::try_from(text.len() + 64).unwrap_or(u32::MAX);
            Cache::builder().max_capacity(most).weigher(weight).build()
        });
        kept.insert(hash, text);
    }
}

impl Allowed {
    fn find(&self, named: &Named<'_>) -> Option<Arc<str>> {
        match named.id {
            Some(id) => self.by_id.get(id).cloned(),
            None => self.texts.get(named.text?).cloned(),
        }
    }
}

fn hash_of(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    if text.len() != 2 * hash.len() {
        return None;
    }
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(hash)
}

fn wrong_hash(reason: &str) -> Failure {
    Failure::malformed("/extensions/persistedQuery/sha256Hash", reason)
}

fn not_listed() -> Failure {
    Failure::new(
        kernel::Kind::Malformed,
        "query_not_listed",
        "this server runs only the documents that it was started with; name one of them in \
         extensions.persistedQuery.sha256Hash, or send its very text",
    )
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const TEXT: &str = "{ me { id } }";

    fn hash(text: &str) -> String {
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn named<'a>(text: Option<&'a str>, id: Option<&'a str>) -> Named<'a> {
        Named { text, id }
    }

    #[test]
    fn a_document_is_known_to_the_tenant_that_sent_it() {
        let documents = Documents::new(Limits::default(), None);
        let (a, b) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let id = hash(TEXT);
        let by_name = |tenant| documents.find(&named(None, Some(&id)), Some(tenant)).unwrap();
        assert!(matches!(by_name(a), Found::Unknown));
        let Found::New(text, hash) = documents.find(&named(Some(TEXT), Some(&id)), Some(a)).unwrap() else { panic!() };
        documents.keep(a, hash, text);
        assert!(matches!(by_name(a), Found::Text(text) if &*text == TEXT));
        assert!(matches!(by_name(b), Found::Unknown));
        let other = documents.find(&named(Some("{ me { name } }"), Some(&id)), Some(a)).unwrap_err();
        assert!(other.message().contains("not the SHA-256"));
        assert!(documents.find(&named(None, Some("00ff")), Some(a)).is_err());
    }

    #[test]
    fn what_a_tenant_keeps_is_bounded() {
        let documents = Documents::new(Limits { persisted_bytes: 10_000, ..Limits::default() }, None);
        let tenant = TenantId(Uuid::from_u128(1));
        for n in 0..1000_u32 {
            let text = format!("{{ me {{ id }} }} # {n:>900}");
            documents.keep(tenant, Sha256::digest(&text).into(), text.into());
        }
        let kept = documents.kept.get(&tenant).unwrap();
        kept.run_pending_tasks();
        assert!(kept.weighted_size() <= 10_000, "{}", kept.weighted_size());
    }

    #[test]
    fn a_list_is_apollos_or_relays_and_only_what_is_in_it_is_run() {
        let apollo = r#"{"format":"apollo-persisted-query-manifest","version":1,
            "operations":[{"id":"one","name":"Me","type":"query","body":"{ me { id } }"}]}"#;
        for text in [apollo, r#"{"one":"{ me { id } }"}"#] {
            let documents = Documents::new(Limits::default(), Some(Allowed::read(text).unwrap()));
            for listed in [named(None, Some("one")), named(Some(TEXT), None)] {
                assert!(matches!(documents.find(&listed, None).unwrap(), Found::Text(_)));
            }
            for other in [named(None, Some("two")), named(Some("{ me { name } }"), None), named(None, None)] {
                assert_eq!(documents.find(&other, None).unwrap_err().code(), "query_not_listed");
            }
        }
        assert!(Allowed::read("[]").is_err());
        assert!(Allowed::read(r#"{"one":"{ me "}"#).unwrap_err().starts_with("document one"));
    }
}
