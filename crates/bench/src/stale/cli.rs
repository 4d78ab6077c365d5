//! The command line of the koyomi under test, and where the storm keeps what it starts.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt};

use crate::world::{ADMIN, USERS, User};

#[derive(Clone)]
pub(crate) struct Cli {
    pub program: PathBuf,
    pub database_url: String,
}

impl Cli {
    pub(crate) async fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("DATABASE_URL", &self.database_url).env("KOYOMI_LOG", "warn");
        command.env("KOYOMI_PASSWORD", "correct horse battery").env_remove("KOYOMI_PLANT");
        let said = arguments.join(" ");
        tokio::task::spawn_blocking(move || {
            let output = command.output().context("cannot run koyomi")?;
            ensure!(output.status.success(), "koyomi {said}: {}", String::from_utf8_lossy(&output.stderr));
            Ok(String::from_utf8(output.stdout)?.trim().to_owned())
        })
        .await?
    }

    /// Everybody of the world, each with an API token.
    pub(crate) async fn users(&self) -> anyhow::Result<Vec<User>> {
        let made = (0..USERS).map(|n| async move {
            let (email, name) = (format!("user{n}@example.com"), format!("User {n}"));
            let mut arguments = vec!["user", "create", "--email", &email, "--name", &name];
            if n == ADMIN {
                arguments.push("--admin");
            }
            let id = self.run(&arguments).await?;
            let bearer = self.run(&["token", "create", "--user", &email, "--name", "storm"]).await?;
            anyhow::Ok(User { id, email, bearer })
        });
        futures::stream::iter(made).buffered(4).try_collect().await
    }
}

/// A new directory for what the storm starts.
pub(crate) fn home(seed: u64) -> anyhow::Result<Home> {
    let path = std::env::temp_dir().join(format!("koyomi-storm-{}-{seed}", std::process::id()));
    std::fs::create_dir_all(&path)?;
    Ok(Home(path))
}

/// Removed when dropped.
pub(crate) struct Home(PathBuf);

impl Home {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
