use std::fmt::Write;

use kernel::{Failure, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments, AssertSqlSafe, Encode, Postgres, Row, Type};

use crate::Conn;

/// Several rooms' statements in one round trip: each part becomes a CTE of one statement.
///
/// All parts see the snapshot from before the statement, so parts must not depend on each other's rows (foreign keys
/// between them are fine: PostgreSQL checks those at the end). The rows of a part come back as JSON objects.
#[derive(Debug, Default)]
pub struct Batch {
    sql: String,
    parts: usize,
    /// The numbers of the parts whose rows are wanted.
    answering: Vec<usize>,
    arguments: PgArguments,
    broken: Option<String>,
}

/// A handle to bind one part's `$1, $2, …`.
#[derive(Debug)]
pub struct Part<'b> {
    batch: &'b mut Batch,
}

impl Batch {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a statement that answers rows (`returning …` or a `select`); its placeholders count from `$1` as if it stood
    /// alone. Parts answer in the order of adding.
    pub fn part(&mut self, sql: &'static str) -> Part<'_> {
        self.answering.push(self.parts);
        self.quiet(sql)
    }

    /// As [`Batch::part`] for a write whose rows nobody asks for.
    pub fn quiet(&mut self, sql: &'static str) -> Part<'_> {
        let offset = self.arguments.len();
        let lead = if self.parts == 0 { "with" } else { "," };
        let _ = write!(self.sql, "{lead} part{} as (", self.parts);
        renumber(sql, offset, &mut self.sql);
        self.sql.push_str(")\n");
        self.parts += 1;
        Part { batch: self }
    }

    pub fn is_empty(&self) -> bool {
        self.parts == 0
    }

    /// Runs all parts and answers their rows, part by part.
    pub async fn run(self, conn: &mut Conn) -> Result<Rows, sqlx::Error> {
        let Self { mut sql, parts, answering, arguments, broken } = self;
        if let Some(reason) = broken {
            return Err(sqlx::Error::Encode(reason.into()));
        }
        let mut rows = vec![Vec::new(); answering.len()];
        if parts == 0 {
            return Ok(Rows(rows.into_iter()));
        }
        for (n, part) in answering.iter().enumerate() {
            let lead = if n == 0 { "" } else { " union all " };
            let _ = write!(sql, "{lead}select {n} as part, to_jsonb(part{part}) as row from part{part}");
        }
        if answering.is_empty() {
            sql.push_str("select 0 as part, 'null'::jsonb as row where false");
        }
        // The text is put together from the rooms' constants only; values travel as arguments.
        let found = sqlx::query_with(AssertSqlSafe(sql), arguments)
            .try_map(|row: PgRow| Ok((row.try_get::<i32, _>(0)?, row.try_get::<Value, _>(1)?)))
            .fetch_all(conn)
            .await?;
        for (part, row) in found {
            if let Some(of_part) = usize::try_from(part).ok().and_then(|n| rows.get_mut(n)) {
                of_part.push(row);
            }
        }
        Ok(Rows(rows.into_iter()))
    }
}

impl Part<'_> {
    #[must_use]
    pub fn bind<'t, T: Encode<'t, Postgres> + Type<Postgres>>(self, value: T) -> Self {
        if let Err(error) = self.batch.arguments.add(value) {
            self.batch.broken = Some(error.to_string());
        }
        self
    }

    /// Ends the chain; binding happened already.
    pub fn done(self) {}
}

/// The answers of a batch, taken part by part in the order they were added.
#[derive(Debug)]
pub struct Rows(std::vec::IntoIter<Vec<Value>>);

impl Rows {
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<Vec<T>> {
        self.0
            .next()
            .unwrap_or_default()
            .into_iter()
            .map(|row| serde_json::from_value(row).map_err(Failure::internal))
            .collect()
    }

    /// Passes over a part whose rows say nothing.
    pub fn skip(&mut self) {
        self.0.next();
    }
}

/// Copies `sql` with every `$n` raised by `offset`. The rooms' statements hold no `$` inside literals.
fn renumber(sql: &str, offset: usize, out: &mut String) {
    let mut rest = sql;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match rest[..digits].parse::<usize>() {
            Ok(n) => {
                let _ = write!(out, "{}", n + offset);
            }
            Err(_) => out.push_str(&rest[..digits]),
        }
        rest = &rest[digits..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_move_by_the_offset() {
        let mut out = String::new();
        renumber("select $1, $12::int[] where a = $2", 3, &mut out);
        assert_eq!(out, "select $4, $15::int[] where a = $5");
    }
}
