//! How operations travel over sockets and as events, rule by rule of their protocols.

use futures::StreamExt;
use serde_json::{Value, json};

use super::code;
use crate::harness::{self, Heard, Mode, Socket};
use crate::make;

const PROTOCOL: &str = "graphql-transport-ws";

#[tokio::test]
async fn each_breach_of_the_protocol_has_its_code() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let mio = koyomi.user("mio").await;
    let open = async || Socket::open(&koyomi.base, PROTOCOL, &[]).await.unwrap();
    let init = json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {}", mio.token) } });
    let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": "{ me { id } }" } });

    for nonsense in ["", "{}", "[]", r#"{"type":"nothing"}"#, r#"{"type":"subscribe","id":"1"}"#] {
        let mut socket = open().await;
        socket.say_text(nonsense).await;
        assert_eq!(socket.hear().await, Heard::Closed(4400), "{nonsense}");
    }
    let mut socket = open().await;
    socket.say_text(&"x".repeat(200_000)).await;
    assert!(matches!(socket.hear().await, Heard::Closed(_)));

    let mut socket = open().await;
    socket.say(subscribe.clone()).await;
    assert_eq!(socket.hear().await, Heard::Closed(4401));

    for payload in [Value::Null, json!({}), json!({ "Authorization": "Bearer koyomi_nothing" }), json!({ "token": 1 })]
    {
        let mut socket = open().await;
        socket.say(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.hear().await, Heard::Closed(4403), "{payload}");
    }

    let mut socket = Socket::signed_in(&koyomi.base, &mio.token).await;
    socket.say(init).await;
    assert_eq!(socket.hear().await, Heard::Closed(4429));

    let mut socket = Socket::signed_in(&koyomi.base, &mio.token).await;
    let calendar = make::calendar(&mio, "Work").await;
    let follow = format!(r#"subscription {{ calendarChanged(calendarIds: ["{calendar}"]) {{ token }} }}"#);
    socket.subscribe("1", &follow).await;
    socket.next().await;
    socket.subscribe("1", &follow).await;
    assert_eq!(socket.hear().await, Heard::Closed(4409));

    // A page of another site brings the cookie along without meaning to.
    let cookie = format!("koyomi_session={}", mio.token);
    let foreign = [("cookie", cookie.as_str()), ("origin", "https://evil.example")];
    assert_eq!(Socket::open(&koyomi.base, PROTOCOL, &foreign).await.err(), Some(403));
    koyomi.anonymous().get("/graphql/ws").await.problem(400, "malformed_request");
}

#[tokio::test]
async fn questions_and_changes_are_answered_once_beside_what_is_followed() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let mio = koyomi.user("mio").await;
    let mut socket = Socket::signed_in(&koyomi.base, &mio.token).await;
    socket.subscribe("a", "{ me { email } }").await;
    let answer = socket.hear().await;
    assert_eq!(Socket::payload_of(&answer, "next")["data"]["me"]["email"], mio.email);
    assert_eq!(socket.hear().await, Heard::Message(json!({ "type": "complete", "id": "a" })));
    socket.subscribe("b", "{ nothing }").await;
    let refused = Socket::payload_of(&socket.hear().await, "error");
    assert_eq!(refused[0]["extensions"]["code"], "graphql_invalid");
    socket.subscribe("c", r#"mutation { createCalendar(input: { name: "Work" }) { id } }"#).await;
    let made = Socket::payload_of(&socket.hear().await, "next");
    let calendar = made["data"]["createCalendar"]["id"].as_str().unwrap().to_owned();
    assert_eq!(socket.hear().await, Heard::Message(json!({ "type": "complete", "id": "c" })));

    // A field's own trouble leaves the rest.
    socket.subscribe("d", r#"{ me { email } calendar(id: "019b76da-a800-7523-8885-345e0c694f10") { id } }"#).await;
    let half = Socket::payload_of(&socket.hear().await, "next");
    assert_eq!((&half["data"]["me"]["email"], &half["data"]["calendar"]), (&json!(mio.email), &Value::Null));
    assert_eq!(half["errors"][0]["extensions"]["code"], "not_found");
    socket.hear().await;

    let follow = format!(r#"subscription {{ calendarChanged(calendarIds: ["{calendar}"]) {{ token }} }}"#);
    socket.subscribe("e", &follow).await;
    socket.next().await;
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.hear().await, Heard::Message(json!({ "type": "pong" })));
    // What was ended says nothing more, and its id is free.
    socket.say(json!({ "type": "complete", "id": "e" })).await;
    make::event(&mio, &calendar, json!({})).await;
    socket.subscribe("e", "{ me { email } }").await;
    assert_eq!(Socket::payload_of(&socket.hear().await, "next")["data"]["me"]["email"], mio.email);

    let mut other = Socket::signed_in(&koyomi.base, &mio.token).await;
    for n in 0..51 {
        other.subscribe(&n.to_string(), &follow).await;
    }
    let mut refused = Vec::new();
    for _ in 0..51 {
        if let Heard::Message(message) = other.hear().await
            && message["type"] == "error"
        {
            refused.push(message["payload"][0]["extensions"]["code"].clone());
        }
    }
    assert_eq!(refused, ["limit_exceeded"]);
}

#[tokio::test]
async fn another_subprotocol_is_told_so() {
    let koyomi = harness::start_as(Mode::plain()).await;
    // The client library refuses an answer without a protocol by itself: so by hand.
    let url = koyomi.base.trim_start_matches("http://").to_owned();
    let mut stream = tokio::net::TcpStream::connect(&url).await.unwrap();
    let request = format!(
        "GET /graphql/ws HTTP/1.1\r\nHost: {url}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-ws\r\n\r\n"
    );
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|window| window == [0x11, 0x36, b'S', b'u']) {
        let mut more = [0; 1024];
        let n = tokio::io::AsyncReadExt::read(&mut stream, &mut more).await.unwrap();
        assert!(n > 0, "{:?}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&more[..n]);
    }
}

#[tokio::test]
async fn events_carry_the_same_and_end_with_the_instance() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let other = koyomi.another_instance_as(Mode::plain()).await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let stream = async |query: &str| {
        let request = reqwest::Client::new().post(format!("{}/graphql", other.base)).bearer_auth(&mio.token);
        let request = request.header("accept", "text/event-stream").json(&json!({ "query": query }));
        request.send().await.unwrap()
    };
    let once = stream("{ me { email } }").await;
    assert_eq!(once.headers()["content-type"], "text/event-stream");
    let text = once.text().await.unwrap();
    let expected = format!(
        "event: next\ndata: {{\"data\":{{\"me\":{{\"email\":\"{}\"}}}}}}\n\nevent: complete\ndata: \n\n",
        mio.email
    );
    assert_eq!(text, expected);
    assert_eq!(stream("{ nothing").await.status(), 400);
    assert!(stream("{ nothing }").await.text().await.unwrap().contains("graphql_invalid"));

    let follow = format!(
        r#"subscription {{ calendarChanged(calendarIds: ["{calendar}"]) {{ token calendars {{ changes {{ kind }} }} }} }}"#
    );
    let mut bytes = stream(&follow).await.bytes_stream();
    let mut next = async || String::from_utf8(bytes.next().await?.ok()?.to_vec()).ok();
    assert!(next().await.unwrap().contains(r#""calendars":[]"#));
    make::event(&mio, &calendar, json!({})).await;
    assert!(next().await.unwrap().contains("EVENT_CREATED"));
    let mut socket = Socket::signed_in(&other.base, &mio.token).await;
    socket.subscribe("1", &follow).await;
    socket.next().await;
    // Stopped, it says where to go, and does not say that this was all.
    drop(other);
    assert_eq!(socket.hear().await, Heard::Closed(1012));
    while let Some(more) = next().await {
        assert!(!more.contains("complete"), "{more}");
    }
    let query = format!("/graphql?query={}", form_urlencoded::byte_serialize(follow.as_bytes()).collect::<String>());
    assert_eq!(code(&mio.get(&query).await), "subscription_transport");
}
