//! When it is calm again, everything that was acknowledged is there, through every instance.

use std::time::Duration;

use crate::options::BOUND;
use crate::readers::{Memory, look};
use crate::storm::Storm;

pub(crate) async fn look_at_everything(storm: &Storm) {
    tokio::time::sleep(BOUND + Duration::from_millis(100)).await;
    let (mut rng, mut memory) = (storm.rng(5_000), Memory::default());
    for cell in &storm.world.cells {
        for instance in &storm.instances {
            for _ in 0..2 {
                look(storm, &mut rng, &mut memory, cell, instance).await;
            }
        }
    }
}
