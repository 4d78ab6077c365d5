//! Random rules by the million, read and expanded over a window of one year: none may panic, answer nonsense, or take more
//! than 10 ms of the processor. `./dev fuzz` runs it.

mod check;
mod generate;

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Times that something is measured that seems too dear.
const MEASURED: usize = 30;
/// What one window may cost, in processor time of the thread that computes it.
const MOST: Duration = Duration::from_millis(10);
/// How many of the dearest are shown.
const SHOWN: usize = 10;
/// Numbers taken from the counter at a time.
const BATCH: u64 = 1_000;

struct Options {
    rules: u64,
    seed: u64,
    only: Option<u64>,
}

#[derive(Default)]
struct Report {
    refused: u64,
    exhausted: u64,
    occurrences: u64,
    /// Number of the case and its time, dearest first.
    dearest: Vec<(Duration, u64)>,
    faults: Vec<(u64, String)>,
}

impl Report {
    fn note(&mut self, time: Duration, number: u64) {
        self.dearest.push((time, number));
        self.dearest.sort_by(|a, b| b.cmp(a));
        self.dearest.truncate(SHOWN);
    }

    fn threshold(&self) -> Duration {
        if self.dearest.len() < SHOWN { Duration::ZERO } else { self.dearest[SHOWN - 1].0 }
    }

    fn merge(&mut self, other: Report) {
        self.refused += other.refused;
        self.exhausted += other.exhausted;
        self.occurrences += other.occurrences;
        self.faults.extend(other.faults);
        other.dearest.into_iter().for_each(|(time, number)| self.note(time, number));
    }
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}\nusage: fuzz [--rules N] [--seed N] [--only NUMBER]");
            return ExitCode::from(2);
        }
    };
    if let Some(number) = options.only {
        let mut report = Report::default();
        run(options.seed, number, &mut report);
        return summary(&options, 1, report);
    }
    let next = AtomicU64::new(0);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    println!("seed {}, {} rules on {cores} cores", options.seed, options.rules);
    let mut all = Report::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(|| work(&options, &next))).collect();
        for worker in workers {
            match worker.join() {
                Ok(report) => all.merge(report),
                Err(_) => all.faults.push((0, "a worker died".to_owned())),
            }
        }
    });
    summary(&options, options.rules, all)
}

fn options() -> Result<Options, String> {
    let mut options = Options { rules: 10_000_000, seed: 1, only: None };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let value = args.next().and_then(|value| value.parse().ok()).ok_or_else(|| format!("{name} needs a number"))?;
        match name.as_str() {
            "--rules" => options.rules = value,
            "--seed" => options.seed = value,
            "--only" => options.only = Some(value),
            _ => return Err(format!("unknown option: {name}")),
        }
    }
    Ok(options)
}

fn work(options: &Options, next: &AtomicU64) -> Report {
    let mut report = Report::default();
    loop {
        let from = next.fetch_add(BATCH, Ordering::Relaxed);
        if from >= options.rules || report.faults.len() > 20 {
            return report;
        }
        if from > 0 && from.is_multiple_of(1_000_000) {
            println!("{from} so far");
        }
        for number in from..(from + BATCH).min(options.rules) {
            run(options.seed, number, &mut report);
        }
    }
}

/// One case, with its checks; what panics is a fault of the case.
fn run(seed: u64, number: u64, report: &mut Report) {
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        let (text, case) = generate::case(seed, number);
        let Some(case) = case else { return (None, None, refusal(&text)) };
        let (time, answer) = cost(report.threshold(), || check::expand(&case));
        let fault = check::fault(&case, &answer);
        (Some(time), Some(answer.map(|found| found.occurrences.len())), fault)
    }));
    let fault = match outcome {
        Ok((time, answer, fault)) => {
            match answer {
                Some(Ok(found)) => report.occurrences += found as u64,
                Some(Err(_)) => report.exhausted += 1,
                None => report.refused += 1,
            }
            if let Some(time) = time.filter(|time| *time > report.threshold()) {
                report.note(time, number);
            }
            fault
        }
        Err(_) => Some("it panicked".to_owned()),
    };
    report.faults.extend(fault.map(|fault| (number, fault)));
}

/// A refusal must be short however long the text was.
fn refusal(text: &str) -> Option<String> {
    let (time, rule) = cost(MOST, || recurrence::Rule::parse(text));
    let said = rule.err().map(|error| error.to_string()).unwrap_or_default();
    if said.is_empty() || said.len() > 400 {
        return Some(format!("the refusal is of {} bytes", said.len()));
    }
    (time > MOST).then(|| format!("refused in {time:?}"))
}

/// What it takes of the processor. Where that is more than `enough`, the least of several: a neighbour that empties the
/// caches or takes the processor from under the machine must not count as cost.
fn cost<T>(enough: Duration, mut work: impl FnMut() -> T) -> (Duration, T) {
    let mut once = || {
        let began = thread_time();
        let done = std::hint::black_box(work());
        (thread_time().saturating_sub(began), done)
    };
    let (mut least, done) = once();
    let mut times = 1;
    while least > enough && times < if least > MOST { MEASURED } else { 4 } {
        least = least.min(once().0);
        times += 1;
    }
    (least, done)
}

fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

fn summary(options: &Options, rules: u64, report: Report) -> ExitCode {
    println!(
        "{rules} rules: {} refused by the parser, {} by the budget or the form of the start, {} occurrences",
        report.refused, report.exhausted, report.occurrences
    );
    println!("the dearest (processor time, least of several; steps):");
    let mut slow = 0;
    for (time, number) in &report.dearest {
        let (_, Some(case)) = generate::case(options.seed, *number) else { continue };
        let steps = check::steps(&case).map_or("over 100000".to_owned(), |steps| steps.to_string());
        println!("  {:>8.3} ms  {steps:>11}  #{number} {}", time.as_secs_f64() * 1e3, check::describe(&case));
        slow += u32::from(*time > MOST);
    }
    for (number, fault) in &report.faults {
        let (text, case) = generate::case(options.seed, *number);
        let text: String = case.map_or(text, |case| check::describe(&case)).chars().take(600).collect();
        println!("FAULT #{number}: {fault}\n  {text}");
    }
    if report.faults.is_empty() && slow == 0 {
        println!("none over {MOST:?}, no panic");
        return ExitCode::SUCCESS;
    }
    println!("{} faults, {slow} over {MOST:?}: again with --seed {} --only NUMBER", report.faults.len(), options.seed);
    ExitCode::FAILURE
}
