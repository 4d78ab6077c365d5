//! What time it is.

use kernel::Clock;

use crate::harness;

/// Two machines never agree. What runs out has run out for everybody, so instances go by the clock that they share.
#[tokio::test]
async fn instances_go_by_the_clock_of_their_database() {
    let koyomi = harness::start_with_real_time().await;
    let clock = koyomi.koyomi.store.clock();
    assert!(matches!(clock, Clock::Shared(_)), "{clock:?}");
}
