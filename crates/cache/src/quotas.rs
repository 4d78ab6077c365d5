use std::time::Duration;

use kernel::Result;

use crate::redis::Redis;

/// One number per caller, as of a GCRA: when he will be even again, by Redis's own clock (microseconds). It answers whether
/// this request may be made, and how far ahead he is then.
const TAKE: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local even = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local after = even + ARGV[1]
if after - now > tonumber(ARGV[2]) then return {0, even - now} end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {1, after - now}";

/// Quotas that all instances keep together. Where Redis does not answer there are none: whoever asks goes on by himself.
#[derive(Debug)]
pub struct Quotas(Redis);

impl Quotas {
    /// Connects when it is first needed.
    ///
    /// # Errors
    /// `validation_failed` for an address that is none.
    pub fn new(url: &str, scope: &str) -> Result<Self> {
        Ok(Self(Redis::new(url, scope)?))
    }

    /// Takes one request of a quota of one per `interval`, for somebody who may be `most` ahead: whether it may be made, and
    /// how far ahead he is.
    pub async fn take(&self, key: &[u8], interval: Duration, most: Duration) -> Option<(bool, Duration)> {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let name = [b"koyomi:quota:".as_slice(), self.0.scope().as_bytes(), b":", key].concat();
        let mut command = redis::cmd("EVAL");
        command.arg(TAKE).arg(1).arg(name).arg(micros(interval)).arg(micros(most));
        let (allowed, ahead): (u8, u64) = self.0.call("EVAL", command).await?;
        Some((allowed == 1, Duration::from_micros(ahead)))
    }
}
