//! Connections, as bytes on sockets.

use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{self, Harness, Mode};

/// Patient enough for any machine: what does not come within this does not come.
const LONG: Duration = Duration::from_secs(60);

fn hasty() -> Mode {
    let mut mode = Mode::plain();
    mode.http.header_timeout = Duration::from_millis(400);
    mode.http.body_timeout = Duration::from_millis(400);
    mode
}

async fn connect(koyomi: &Harness) -> TcpStream {
    TcpStream::connect(koyomi.base.strip_prefix("http://").unwrap()).await.unwrap()
}

/// What comes until the other side closes.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    // How it is closed does not matter.
    let _ = tokio::time::timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("the connection stays open");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The head of an answer, of a connection that stays open.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let byte = tokio::time::timeout(LONG, stream.read_u8()).await.expect("an answer");
        text.push(byte.expect("an answer"));
    }
    String::from_utf8(text).unwrap()
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: k\r\n\r\n").await.unwrap();
    head(stream).await
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request_and_not_for_ever() {
    let koyomi = harness::start_as(hasty()).await;
    let mut stream = connect(&koyomi).await;
    for _ in 0..3 {
        assert!(ask(&mut stream).await.starts_with("HTTP/1.1 204"));
    }
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn who_says_nothing_or_never_ends_his_head_is_left() {
    let koyomi = harness::start_as(hasty()).await;
    // Silence; half the preface of HTTP/2, which could become either protocol; half a head.
    for said in ["", "PRI * HT", "GET /healthz HTTP/1.1\r\nHost: k\r\nX-A: "] {
        let mut stream = connect(&koyomi).await;
        stream.write_all(said.as_bytes()).await.unwrap();
        let told = rest(&mut stream).await;
        assert!(!told.contains("HTTP/1.1 2"), "{said:?}: {told}");
    }
}

#[tokio::test]
async fn a_body_that_stops_coming_is_not_waited_for() {
    let koyomi = harness::start_as(hasty()).await;
    let mio = koyomi.user("mio").await;
    let mut stream = connect(&koyomi).await;
    let request = format!(
        "POST /api/calendars HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\nConnection: close\r\n\r\n{{\"name\":",
        mio.token
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let told = rest(&mut stream).await;
    assert!(told.starts_with("HTTP/1.1 408") && told.contains("\"code\":\"body_timeout\""), "{told}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let koyomi = harness::start_as(hasty()).await;
    let many = "X-A: 1\r\n".repeat(101);
    let long = format!("X-A: {}\r\n", "a".repeat(40 * 1024));
    for headers in [many, long] {
        let mut stream = connect(&koyomi).await;
        let request = format!("GET /healthz HTTP/1.1\r\nHost: k\r\n{headers}\r\n");
        // The answer may come before all of it is sent.
        let _ = stream.write_all(request.as_bytes()).await;
        let told = rest(&mut stream).await;
        assert!(told.starts_with("HTTP/1.1 431") || told.is_empty(), "{told}");
    }
}

#[tokio::test]
async fn http_2_is_spoken_to_who_begins_with_it() {
    let koyomi = harness::start().await;
    let client = reqwest::Client::builder().http2_prior_knowledge().no_proxy().build().unwrap();
    let url = format!("{}/readyz", koyomi.base);
    let asked = (0..50).map(|_| client.get(&url).send());
    for answer in futures::future::join_all(asked).await {
        let answer = answer.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_2));
    }
}

/// Opens streams and takes them back at once (CVE-2023-44487): the server ends the connection instead of working for it.
#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let koyomi = harness::start().await;
    let mut stream = connect(&koyomi).await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&frame(4, 0, 0, &[])).await.unwrap();
    let mut flood = Vec::new();
    for n in 0..2_000_u32 {
        let id = n * 2 + 1;
        // HPACK's static table: GET, http, /; and the end of headers and of the stream.
        flood.extend_from_slice(&frame(1, 0x5, id, &[0x82, 0x86, 0x84]));
        flood.extend_from_slice(&frame(3, 0, id, &[0, 0, 0, 8]));
    }
    let (mut read, mut write) = stream.into_split();
    let writer = tokio::spawn(async move {
        let _ = write.write_all(&flood).await;
        // Not we are to close it.
        std::future::pending::<()>().await;
    });
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(LONG, read.read_to_end(&mut bytes)).await.expect("it goes on taking them");
    writer.abort();
    assert!(bytes.windows(4).any(|w| w == [0, 0, 0, 0xb]), "no GOAWAY for ENHANCE_YOUR_CALM");
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend_from_slice(&[kind, flags]);
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

#[tokio::test]
async fn there_is_room_for_so_many_connections_and_the_next_one_waits() {
    let mut mode = Mode::plain();
    mode.http.max_connections = 2;
    let koyomi = harness::start_as(mode).await;
    let (mut first, mut second) = (connect(&koyomi).await, connect(&koyomi).await);
    ask(&mut first).await;
    ask(&mut second).await;
    let mut third = connect(&koyomi).await;
    third.write_all(b"GET /healthz HTTP/1.1\r\nHost: k\r\n\r\n").await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(200), third.read_u8()).await.is_err());
    drop(first);
    assert!(head(&mut third).await.starts_with("HTTP/1.1 204"));
}

/// Files of a certificate for `localhost`, and what a client has to know of it.
struct Pki {
    folder: std::path::PathBuf,
    trusted: CertificateDer<'static>,
}

impl Pki {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("koyomi-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let trusted = Self::write(&folder);
        Self { folder, trusted }
    }

    fn renew(&mut self) {
        self.trusted = Self::write(&self.folder);
    }

    fn write(folder: &std::path::Path) -> CertificateDer<'static> {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
        std::fs::write(folder.join("chain.pem"), cert.pem()).unwrap();
        cert.der().clone()
    }

    fn files(&self) -> server::listen::Certificate {
        server::listen::Certificate { chain: self.folder.join("chain.pem"), key: self.folder.join("key.pem") }
    }

    async fn connect(&self, koyomi: &Harness, protocols: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.trusted.clone()).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(std::sync::Arc::new(config)).connect(name, connect(koyomi).await).await
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn tls_is_spoken_and_a_new_certificate_is_taken_up_without_a_restart() {
    // As `koyomi` does when it starts.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut pki = Pki::new();
    let mut mode = Mode::plain();
    mode.http.tls = Some(pki.files());
    let koyomi = harness::start_as(mode).await;
    let mut stream = pki.connect(&koyomi, &["http/1.1"]).await.unwrap();
    assert!(ask(&mut stream).await.starts_with("HTTP/1.1 204"));
    let second = pki.connect(&koyomi, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(second.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));

    pki.renew();
    assert!(pki.connect(&koyomi, &["http/1.1"]).await.is_err(), "the old certificate is still the one");
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::HUP).unwrap();
    let renewed = async {
        loop {
            if let Ok(stream) = pki.connect(&koyomi, &["http/1.1"]).await {
                return stream;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut renewed = tokio::time::timeout(LONG, renewed).await.expect("the new certificate");
    assert!(ask(&mut renewed).await.starts_with("HTTP/1.1 204"));
    // Whoever is connected stays so.
    assert!(ask(&mut stream).await.starts_with("HTTP/1.1 204"));

    std::fs::write(pki.folder.join("chain.pem"), "no certificate").unwrap();
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::HUP).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(pki.connect(&koyomi, &["http/1.1"]).await.is_ok(), "what cannot be read is not taken up");
}
