//! The messages of `graphql-transport-ws` (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>).

use async_graphql::{Response, ServerError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::operation::Asking;

pub(super) const PROTOCOL: &str = "graphql-transport-ws";

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Incoming {
    ConnectionInit {
        payload: Option<serde_json::Map<String, Value>>,
    },
    Ping {
        #[serde(rename = "payload")]
        _payload: Option<Value>,
    },
    Pong {
        #[serde(rename = "payload")]
        _payload: Option<Value>,
    },
    Subscribe {
        id: String,
        payload: Asking,
    },
    Complete {
        id: String,
    },
}

/// What we say.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Outgoing<'a> {
    ConnectionAck,
    Pong,
    Next { id: &'a str, payload: &'a Response },
    Error { id: &'a str, payload: &'a [ServerError] },
    Complete { id: &'a str },
}

impl Outgoing<'_> {
    pub(super) fn text(&self) -> String {
        // Plain data: it cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Why a conversation ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Close {
    pub code: u16,
    pub reason: String,
}

impl Close {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// The client has gone by itself.
    pub(super) fn gone() -> Self {
        Self::new(1000, "")
    }

    pub(super) fn stopping() -> Self {
        Self::new(1012, "this instance is being stopped; connect again, with the last token")
    }

    pub(super) fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(4400, reason)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(4401, "Unauthorized")
    }

    pub(super) fn forbidden() -> Self {
        Self::new(4403, "Forbidden")
    }

    pub(super) fn other_protocol() -> Self {
        Self::new(4406, "Subprotocol not acceptable")
    }

    pub(super) fn init_timeout() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    pub(super) fn id_in_use(id: &str) -> Self {
        // A reason has 123 bytes at most (RFC 6455 §5.5).
        Self::new(4409, format!("Subscriber for {} already exists", id.chars().take(60).collect::<String>()))
    }

    pub(super) fn second_init() -> Self {
        Self::new(4429, "Too many initialisation requests")
    }

    pub(super) fn stalled() -> Self {
        Self::new(4499, "nothing was taken for too long; connect again, with the last token")
    }

    pub(super) fn internal() -> Self {
        Self::new(4500, "Internal server error")
    }
}
