use std::time::Instant;

use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use koyomi::seed::{Outcome, PASSWORD, Profile, Sizes, Totals};

use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Seed {
    #[command(flatten)]
    config: Config,
    #[arg(long, value_enum)]
    profile: Kind,
    /// The day that the data lie around; today in UTC
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<NaiveDate>,
    /// load: people, user00000@example.com and so on
    #[arg(long, default_value_t = 1_000, value_parser = number())]
    users: u32,
    /// load: calendars
    #[arg(long, default_value_t = 1_000, value_parser = number())]
    calendars: u32,
    /// load: events of a calendar on average; the largest hold most
    #[arg(long, default_value_t = 100, value_parser = number())]
    events_per_calendar: u32,
    /// load: rooms
    #[arg(long, default_value_t = 200, value_parser = number())]
    rooms: u32,
    /// load: other numbers, other data
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum Kind {
    /// A small company and its weeks around today: to look at
    Demo,
    /// Many people and calendars: to measure with; wants an empty database
    Load,
}

fn number() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=1_000_000)
}

impl Seed {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let app = super::open(&self.config).await?;
        let today = self.date.unwrap_or_else(|| app.koyomi.store.clock().now().date_naive());
        let profile = match self.profile {
            Kind::Demo => Profile::Demo,
            Kind::Load => Profile::Load(self.sizes()),
        };
        let began = Instant::now();
        let outcome = app.koyomi.seed(profile, today, report).await?;
        match outcome {
            Outcome::AlreadyFilled => eprintln!("this seed is here already; nothing to do"),
            Outcome::Filled(totals) => {
                let seconds = began.elapsed().as_secs_f64();
                let pace = totals.rows as f64 / seconds;
                eprintln!("{} rows as of {today} in {seconds:.1} s ({pace:.0} rows/s)", totals.rows);
                eprintln!("everybody's password: {PASSWORD}");
            }
        }
        Ok(())
    }

    fn sizes(&self) -> Sizes {
        let size = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        Sizes {
            users: size(self.users),
            calendars: size(self.calendars),
            events_per_calendar: size(self.events_per_calendar),
            rooms: size(self.rooms),
            seed: self.seed,
        }
    }
}

fn report(totals: Totals) {
    let Totals { users, calendars, events, occurrences, attendees, reservations, .. } = totals;
    eprintln!(
        "{users} users, {calendars} calendars, {events} events, {occurrences} occurrences, {attendees} attendees, \
         {reservations} reservations"
    );
}
