use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Certificate;

/// How often it is looked whether the files are others.
const LOOK: Duration = Duration::from_secs(10);

/// TLS 1.2 and 1.3, with the certificate that the files hold now.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    files: Certificate,
    current: Arc<RwLock<Arc<ServerConfig>>>,
}

impl Tls {
    /// # Errors
    /// With a message that names the file.
    pub(super) fn open(files: &Certificate) -> io::Result<Self> {
        let current = Arc::new(RwLock::new(Arc::new(read(files)?)));
        Ok(Self { files: files.clone(), current })
    }

    pub(super) async fn accept(&self, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let current = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        TlsAcceptor::from(current).accept(tcp).await
    }

    /// Reads the files again on SIGHUP, and when they have changed. Where they cannot be read, or do not fit together (one
    /// of them is written already, the other not yet), what was read last goes on being used.
    pub(super) async fn watch(self) {
        let mut hangups = signal(SignalKind::hangup()).inspect_err(|error| tracing::warn!(%error, "no SIGHUP")).ok();
        let mut changed = self.changed();
        loop {
            let asked = tokio::select! {
                () = hangup(&mut hangups) => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            let now = self.changed();
            if !asked && now == changed {
                continue;
            }
            match read(&self.files) {
                Ok(config) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                    changed = now;
                    tracing::info!("the TLS certificate was read again");
                }
                Err(error) => tracing::error!(%error, "the old TLS certificate stays in use"),
            }
        }
    }

    fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.files.chain, &self.files.key].map(|file| std::fs::metadata(file).and_then(|meta| meta.modified()).ok())
    }
}

async fn hangup(hangups: &mut Option<tokio::signal::unix::Signal>) {
    let heard = match hangups {
        Some(hangups) => hangups.recv().await,
        None => None,
    };
    if heard.is_none() {
        std::future::pending::<()>().await;
    }
}

fn read(files: &Certificate) -> io::Result<ServerConfig> {
    let of = |file: &std::path::Path, error: &dyn std::fmt::Display| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {error}", file.display()))
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.chain)
        .and_then(Iterator::collect)
        .map_err(|error| of(&files.chain, &error))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| of(&files.key, &error))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| of(&files.chain, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
