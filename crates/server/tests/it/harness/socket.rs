use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than anything takes here; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of `graphql-transport-ws`, word by word.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What a server says at last.
#[derive(Debug, PartialEq)]
pub enum Heard {
    Message(Value),
    /// The code of its close frame; 0 without one.
    Closed(u16),
}

impl Socket {
    /// Before anything was said.
    pub async fn open(base: &str, protocol: &str, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let url = format!("{}/graphql/ws", base.replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            // What the server answers is no answer to the protocol: read as it closes.
            Err(error) => panic!("{error}"),
        }
    }

    /// After the server has recognised the token.
    pub async fn signed_in(base: &str, token: &str) -> Self {
        let mut socket = Self::open(base, "graphql-transport-ws", &[]).await.unwrap();
        let payload = json!({ "Authorization": format!("Bearer {token}") });
        socket.say(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.hear().await, Heard::Message(json!({ "type": "connection_ack" })));
        socket
    }

    pub async fn say(&mut self, message: Value) {
        self.say_text(&message.to_string()).await;
    }

    pub async fn say_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({ "type": "subscribe", "id": id, "payload": { "query": query } })).await;
    }

    pub async fn hear(&mut self) -> Heard {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("the server says nothing");
            match message {
                Some(Ok(Message::Text(text))) => return Heard::Message(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Heard::Closed(frame.map_or(0, |f| f.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::Closed(0),
            }
        }
    }

    /// The payload of the next message, which must be of this type.
    #[track_caller]
    pub fn payload_of(heard: &Heard, kind: &str) -> Value {
        match heard {
            Heard::Message(message) if message["type"] == kind => message["payload"].clone(),
            other => panic!("no {kind}: {other:?}"),
        }
    }

    /// The data of the next answer to the one operation that runs.
    pub async fn next(&mut self) -> Value {
        let payload = Self::payload_of(&self.hear().await, "next");
        assert_eq!(payload["errors"], Value::Null, "{payload}");
        payload["data"].clone()
    }
}
