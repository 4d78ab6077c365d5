//! Where settings come from: a file, the environment, options, each winning over the one before. They are the same
//! settings under the same names: `--db-connections`, `KOYOMI_DB_CONNECTIONS`, `db_connections = 20`; what the file says is
//! what an option has where nobody gives it, so that it is read and checked in the same words.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use toml::{Table, Value};

const FILE_OPTION: &str = "--config";
const FILE_VARIABLE: &str = "KOYOMI_CONFIG";
/// How alike two names are that one may be meant by the other.
const ALIKE: f64 = 0.8;

/// What the file says: by the name of the setting.
#[derive(Debug, Default)]
pub(super) struct File {
    pub path: Option<PathBuf>,
    values: BTreeMap<String, Vec<String>>,
}

impl File {
    /// The one that options or the environment name.
    pub(super) fn named(command: &Command, arguments: &[OsString]) -> anyhow::Result<Self> {
        let Some(path) = path_of(arguments).or_else(|| std::env::var_os(FILE_VARIABLE).map(PathBuf::from)) else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::read(command, &path, &text).with_context(|| path.display().to_string())
    }

    fn read(command: &Command, path: &Path, text: &str) -> anyhow::Result<Self> {
        let table: Table = text.parse()?;
        let known = settings(command);
        let mut values = BTreeMap::new();
        for (name, value) in table {
            if !known.contains_key(name.as_str()) {
                bail!("there is no setting `{name}`{}", nearest(&name, known.keys().copied()));
            }
            let words = words(&value)
                .with_context(|| format!("`{name}` must be a text, a number, true or false, or a list of such"))?;
            values.insert(name, words);
        }
        Ok(Self { path: Some(path.to_owned()), values })
    }

    /// Makes what the file says what the command has where neither option nor environment say anything.
    pub(super) fn under(&self, command: Command) -> Command {
        let of_all: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
        let mut command = self.defaults(command);
        for name in of_all {
            command = command.mut_subcommand(name, |sub| self.defaults(sub));
        }
        command
    }

    fn defaults(&self, mut command: Command) -> Command {
        for (name, words) in &self.values {
            if !words.is_empty() && command.get_arguments().any(|arg| arg.get_id() == name.as_str()) {
                // A list is taken apart again as one in a variable is.
                command = command.mut_arg(name, |arg| arg.required(false).default_value(words.join(",")));
            }
        }
        command
    }
}

/// Each setting with its value and where that comes from, as a file that says the same; secrets are not shown.
pub(super) fn shown(command: &Command, matches: &ArgMatches, file: &File) -> String {
    let mut text = String::new();
    for (name, arg) in settings(command) {
        let source = match matches.value_source(name) {
            Some(ValueSource::CommandLine) => format!("option --{}", arg.get_long().unwrap_or(name)),
            Some(ValueSource::EnvVariable) => format!("environment, {}", variable(arg)),
            Some(_) if file.values.contains_key(name) => match &file.path {
                Some(path) => path.display().to_string(),
                None => "file".to_owned(),
            },
            Some(_) => "default".to_owned(),
            None => "not set".to_owned(),
        };
        let values: Vec<String> = matches
            .get_raw(name)
            .map(|values| values.map(|value| value.to_string_lossy().into_owned()).collect())
            .unwrap_or_default();
        let line = match values.as_slice() {
            [] => format!("# {name} ="),
            values if arg.is_hide_env_values_set() || values.iter().any(|value| holds_password(value)) => {
                format!("# {name} = (a secret, not shown)")
            }
            values => format!("{name} = {}", literal(arg, values)),
        };
        let _ = writeln!(text, "{line:<48} # {source}");
    }
    text
}

/// What can be set: every argument that the environment can set, too.
fn settings(command: &Command) -> BTreeMap<&str, &Arg> {
    let all = command.get_subcommands().flat_map(Command::get_arguments).chain(command.get_arguments());
    let named = all.filter(|arg| arg.get_env().is_some() && variable(arg) != FILE_VARIABLE);
    named.map(|arg| (arg.get_id().as_str(), arg)).collect()
}

fn variable(arg: &Arg) -> String {
    arg.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn path_of(arguments: &[OsString]) -> Option<PathBuf> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        if text == FILE_OPTION {
            return arguments.next().map(PathBuf::from);
        }
        if let Some(path) = text.strip_prefix(FILE_OPTION).and_then(|rest| rest.strip_prefix('=')) {
            return Some(PathBuf::from(path));
        }
    }
    None
}

fn words(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Integer(number) => Some(vec![number.to_string()]),
        Value::Float(number) => Some(vec![number.to_string()]),
        Value::Boolean(whether) => Some(vec![whether.to_string()]),
        Value::Array(values) => values.iter().map(words).collect::<Option<Vec<_>>>().map(|words| words.concat()),
        _ => None,
    }
}

fn holds_password(value: &str) -> bool {
    value.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

fn literal(arg: &Arg, values: &[String]) -> String {
    let quoted = |text: &String| match text.parse::<i64>() {
        Ok(number) => number.to_string(),
        Err(_) if matches!(arg.get_action(), ArgAction::SetTrue) => text.clone(),
        Err(_) => Value::String(text.clone()).to_string(),
    };
    match values {
        [one] => quoted(one),
        many => format!("[{}]", many.iter().map(quoted).collect::<Vec<_>>().join(", ")),
    }
}

fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let alike = known.map(|known| (strsim::jaro_winkler(name, known), known));
    match alike.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((how, known)) if how >= ALIKE => format!("; did you mean `{known}`?"),
        _ => "; `koyomi config` lists those there are".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::Cli;
    use super::*;

    const EXAMPLE: &str = include_str!("../../../../koyomi.example.toml");

    fn file(text: &str) -> anyhow::Result<File> {
        File::read(&Cli::command(), Path::new("koyomi.toml"), text)
    }

    fn told(text: &str, options: &[&str]) -> String {
        let file = file(text).unwrap();
        let arguments = ["koyomi", "config"].iter().chain(options);
        let matches = file.under(Cli::command()).try_get_matches_from(arguments).unwrap();
        let (name, matches) = matches.subcommand().unwrap();
        shown(Cli::command().find_subcommand(name).unwrap(), matches, &file)
    }

    fn line<'t>(told: &'t str, name: &str) -> &'t str {
        let mut lines = told.lines().filter(|line| line.trim_start_matches("# ").starts_with(&format!("{name} =")));
        lines.next().unwrap_or_else(|| panic!("no {name} in {told}"))
    }

    #[test]
    fn options_win_over_the_file() {
        let text = "database_url = 'postgres://u:hidden@h/d'\ndb_connections = 7\nreads = 'bounded:5ms'\n\
                    cache_off = ['page', 'users']\nbus = 'nats://u:hidden@h'\nno_shedding = true\n";
        let told = told(text, &["--db-connections", "9"]);
        assert!(line(&told, "db_connections").starts_with("db_connections = 9 "), "{told}");
        assert!(line(&told, "db_connections").ends_with("# option --db-connections"));
        assert!(line(&told, "reads").starts_with("reads = \"bounded:5ms\" "));
        assert!(line(&told, "reads").ends_with("# koyomi.toml"));
        assert!(line(&told, "cache_off").starts_with("cache_off = [\"page\", \"users\"] "));
        assert!(line(&told, "no_shedding").starts_with("no_shedding = true "));
        assert!(line(&told, "cache_mb").ends_with("# default"));
        assert!(!told.contains("hidden"), "{told}");
    }

    #[test]
    fn a_name_that_is_none_is_refused_with_the_one_that_was_meant() {
        let refused = |text: &str| format!("{:#}", file(text).unwrap_err());
        assert!(refused("db_conections = 7").contains("did you mean `db_connections`?"));
        assert!(refused("zzz = 7").contains("koyomi config"));
        assert!(refused("reads = { a = 1 }").contains("`reads` must be"));
        assert!(refused("reads = ").contains("TOML"));
    }

    #[test]
    fn what_the_file_says_is_checked_as_options_are() {
        let file = file("db_connections = 0\ndatabase_url = 'postgres://h/d'").unwrap();
        let refused = file.under(Cli::command()).try_get_matches_from(["koyomi", "config"]).unwrap_err().to_string();
        assert!(refused.contains("--db-connections"), "{refused}");
    }

    #[test]
    fn the_example_names_every_setting_with_what_it_is_anyway() {
        // What has no value of its own is there behind a sign of comment.
        let is_setting = |line: &str| line.split_once(" = ").is_some_and(|(name, _)| !name.contains(' '));
        let uncommented: String = EXAMPLE
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| is_setting(rest)).unwrap_or(line).to_owned() + "\n")
            .collect();
        let file = file(&uncommented).unwrap();
        let command = Cli::command();
        let serve = command.find_subcommand("serve").unwrap();
        for (name, _) in settings(serve) {
            assert!(file.values.contains_key(name), "{name} is missing in koyomi.example.toml");
        }
        let as_it_is = told(&format!("{EXAMPLE}\ndatabase_url = 'postgres://h/d'"), &[]);
        let without = told("database_url = 'postgres://h/d'", &[]);
        let values =
            |told: &str| told.lines().map(|l| l.rsplit_once(" # ").unwrap().0.trim().to_owned()).collect::<Vec<_>>();
        assert_eq!(values(&as_it_is), values(&without));
    }
}
