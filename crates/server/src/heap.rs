//! What holds the memory: one allocation in 512 KiB is remembered with the calls that led to it, from when somebody asks
//! for it; what of that is still held can be told. How jemalloc is set up for it stands in `.cargo/config.toml`.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use jemalloc_pprof::{JemallocProfCtl, PROF_CTL};
use kernel::{Failure, Kind, Result};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Samples from now on until the process ends.
pub(crate) async fn sample_always() -> Result<()> {
    profiler()?.lock_owned().await.activate().map_err(Failure::internal)
}

/// A heap profile, as `pprof` reads it: of what was allocated in the `seconds` to come, or since sampling began.
pub(crate) async fn profile(seconds: Option<u8>) -> Result<Vec<u8>> {
    let profiler = profiler()?;
    let wished = Duration::from_secs(seconds.unwrap_or_default().into());
    if let Some(left) = store::remaining().filter(|left| *left <= wished) {
        let reason = format!("must be less than this request may take: {} s", left.as_secs_f32().ceil());
        return Err(Failure::malformed("?seconds", reason));
    }
    let profiler = profiler.lock_owned().await;
    if store::remaining().is_some_and(|left| left <= wished) {
        let message = "somebody else's heap profile took until now; try again";
        return Err(Failure::new(Kind::Unavailable, "unavailable", message));
    }
    match (profiler.activated(), seconds) {
        (true, None) => dump(profiler).await,
        (false, Some(seconds)) => {
            let sampling = Sampling::begin(profiler)?;
            tokio::time::sleep(Duration::from_secs(seconds.into())).await;
            dump(sampling).await
        }
        (true, Some(_)) => Err(Failure::malformed(
            "?seconds",
            "must be left out: this instance samples since it was started, and tells all of that",
        )),
        (false, None) => Err(Failure::malformed(
            "?seconds",
            "must say how long to sample; or start this instance with heap_sampling",
        )),
    }
}

/// Sampling until it is dropped, with its reader or without.
struct Sampling(OwnedMutexGuard<JemallocProfCtl>);

impl Sampling {
    fn begin(mut profiler: OwnedMutexGuard<JemallocProfCtl>) -> Result<Self> {
        profiler.activate().map_err(Failure::internal)?;
        Ok(Self(profiler))
    }
}

impl Deref for Sampling {
    type Target = JemallocProfCtl;

    fn deref(&self) -> &JemallocProfCtl {
        &self.0
    }
}

impl DerefMut for Sampling {
    fn deref_mut(&mut self) -> &mut JemallocProfCtl {
        &mut self.0
    }
}

impl Drop for Sampling {
    fn drop(&mut self) {
        if let Err(error) = self.0.deactivate() {
            tracing::error!(%error, "the heap is still being sampled");
        }
    }
}

/// Everybody else who asks waits for it.
fn profiler() -> Result<Arc<Mutex<JemallocProfCtl>>> {
    PROF_CTL.clone().ok_or_else(|| {
        let message = "this process was built or started without heap profiles (.cargo/config.toml, _RJEM_MALLOC_CONF)";
        Failure::new(Kind::Unavailable, "unavailable", message)
    })
}

async fn dump(mut profiler: impl DerefMut<Target = JemallocProfCtl> + Send + 'static) -> Result<Vec<u8>> {
    let dumped = tokio::task::spawn_blocking(move || profiler.dump_pprof());
    dumped.await.map_err(Failure::internal)?.map_err(Failure::internal)
}
