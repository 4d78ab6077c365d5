use clap::Args;

use super::serve::Serve;

/// Takes the options of `koyomi serve`, and shows what it would do with them.
#[derive(Args, Debug)]
pub(super) struct Show {
    #[command(flatten)]
    pub serve: Serve,
}
