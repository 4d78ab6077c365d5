use std::cell::RefCell;
use std::time::Instant;

use kernel::{CalendarId, Moved, Subject};
use uuid::Uuid;

use super::*;

const INSTANCE: u64 = 1;
const EPOCH: i64 = 10;

/// What was heard, as words.
struct Listener {
    tracker: Tracker,
    marks: Arc<Marks>,
    heard: RefCell<Vec<String>>,
}

impl Listener {
    fn new() -> Self {
        let marks = Arc::new(Marks::default());
        let tracker = Tracker::new(INSTANCE, EPOCH, Arc::clone(&marks), Arc::new(Metrics::new()));
        Self { tracker, marks, heard: RefCell::default() }
    }

    /// One that has heard message 5 and lost track of nothing since.
    fn joined() -> Self {
        let mut listener = Self::new();
        listener.reconnect();
        listener.message(EPOCH, 4, 5);
        listener.heard.take();
        listener
    }

    fn with(&mut self, work: impl FnOnce(&mut Tracker, &dyn Fn(Heard<'_>))) -> Vec<String> {
        let heard = &self.heard;
        work(&mut self.tracker, &|what| {
            heard.borrow_mut().push(match what {
                Heard::Moved(entries) => format!("moved {}", entries[0].seq),
                Heard::Lost(reason) => reason.to_owned(),
                Heard::Epoch(epoch) => format!("epoch {epoch}"),
                Heard::Complete { .. } => "complete".to_owned(),
            });
        });
        self.heard.take()
    }

    fn reconnect(&mut self) -> Vec<String> {
        self.with(|tracker, hear| tracker.reconnected(hear))
    }

    fn message(&mut self, epoch: i64, previous: i64, n: i64) -> Vec<String> {
        let entries = vec![Moved { subject: Subject::Calendar(CalendarId(Uuid::nil())), seq: n, acl: 0 }];
        let frame = Frame::Message(Message { epoch, n, previous, swept: true, entries }, None);
        self.with(|tracker, hear| tracker.take(&frame, hear))
    }

    fn mark_of(&mut self, instance: u64, counter: u64, life: u64, n: i64) -> Vec<String> {
        let frame = Frame::Mark(Mark { instance, counter, life }, Place { epoch: EPOCH, n });
        self.with(|tracker, hear| tracker.take(&frame, hear))
    }

    fn mark(&mut self, counter: u64, n: i64) -> Vec<String> {
        self.mark_of(INSTANCE, counter, 1, n)
    }
}

#[test]
fn a_connection_and_the_first_number_on_it_are_losses() {
    let mut listener = Listener::new();
    assert_eq!(listener.reconnect(), ["connected"]);
    assert_eq!(listener.message(EPOCH, 4, 5), ["joined", "moved 5"]);
    assert_eq!(listener.message(EPOCH, 5, 6), ["moved 6"]);
    assert_eq!(listener.reconnect(), ["connected"]);
    let counter = listener.marks.begin();
    assert_eq!(listener.mark(counter, 6), ["joined"]);
    let counter = listener.marks.begin();
    assert_eq!(listener.mark(counter, 6), ["complete"]);
}

#[test]
fn a_gap_is_told_before_what_comes_after_it() {
    let mut listener = Listener::joined();
    assert_eq!(listener.message(EPOCH, 6, 7), ["gap", "moved 7"]);
    assert_eq!(listener.message(EPOCH, 7, 8), ["moved 8"]);
}

#[test]
fn numbers_that_came_to_nothing_are_no_gap() {
    let mut listener = Listener::joined();
    assert_eq!(listener.message(EPOCH, 5, 9), ["moved 9"]);
    assert_eq!(listener.message(EPOCH, 5, 12), ["moved 12"]);
}

#[test]
fn what_comes_twice_or_late_changes_nothing() {
    let mut listener = Listener::joined();
    assert_eq!(listener.message(EPOCH, 5, 6), ["moved 6"]);
    assert_eq!(listener.message(EPOCH, 4, 5), ["moved 5"]);
    assert_eq!(listener.message(EPOCH, 6, 7), ["moved 7"]);
}

#[test]
fn a_mark_completes_only_what_was_heard_without_a_gap() {
    let mut listener = Listener::joined();
    let (first, second) = (listener.marks.begin(), listener.marks.begin());
    assert_eq!(listener.mark(first, 5), ["complete"]);
    assert_eq!(listener.mark(second, 6), ["gap"]);
    let third = listener.marks.begin();
    assert_eq!(listener.mark(third, 6), ["complete"]);
    assert!(listener.mark(third, 6).is_empty(), "the same mark again");
}

#[test]
fn marks_from_before_a_loss_complete_nothing() {
    let mut listener = Listener::joined();
    let before = listener.marks.begin();
    assert_eq!(listener.message(EPOCH, 6, 7), ["gap", "moved 7"]);
    assert!(listener.mark(before, 7).is_empty());
    let after = listener.marks.begin();
    assert_eq!(listener.mark(after, 7), ["complete"]);
}

#[test]
fn marks_of_others_are_none_of_its_business() {
    let mut listener = Listener::joined();
    let counter = listener.marks.begin();
    assert!(listener.mark_of(INSTANCE + 1, counter, 1, 99).is_empty());
    assert_eq!(listener.mark(counter, 5), ["complete"]);
}

#[test]
fn another_life_of_the_marks_is_a_loss() {
    let mut listener = Listener::joined();
    let (first, second) = (listener.marks.begin(), listener.marks.begin());
    assert_eq!(listener.mark_of(INSTANCE, first, 1, 5), ["complete"]);
    assert_eq!(listener.mark_of(INSTANCE, second, 2, 5), ["database"]);
    let third = listener.marks.begin();
    assert_eq!(listener.mark_of(INSTANCE, third, 2, 5), ["complete"]);
}

#[test]
fn a_new_epoch_is_a_loss_and_an_old_one_is_nothing() {
    let mut listener = Listener::joined();
    assert_eq!(listener.message(EPOCH + 1, 1, 2), ["epoch", "epoch 11", "moved 2"]);
    assert!(listener.message(EPOCH, 5, 6).is_empty());
    let counter = listener.marks.begin();
    assert!(listener.mark(counter, 6).is_empty(), "a mark of the old epoch");
    assert_eq!(listener.message(EPOCH + 1, 2, 3), ["moved 3"]);
}

#[test]
fn a_sweep_numbered_after_the_instant_completes_it() {
    let mut listener = Listener::joined();
    let counter = listener.marks.begin();
    listener.marks.await_sweep(counter, 6);
    assert_eq!(listener.message(EPOCH, 5, 6), ["moved 6"], "its number was taken before");
    assert_eq!(listener.message(EPOCH, 6, 7), ["moved 7", "complete"]);
    assert_eq!(listener.message(EPOCH, 7, 8), ["moved 8"], "once only");
}

#[test]
fn a_sweep_after_a_gap_completes_nothing_from_before() {
    let mut listener = Listener::joined();
    let counter = listener.marks.begin();
    listener.marks.await_sweep(counter, 6);
    assert_eq!(listener.message(EPOCH, 7, 8), ["gap", "moved 8"]);
    assert_eq!(listener.message(EPOCH, 8, 9), ["moved 9"]);
}

#[test]
fn a_message_that_left_something_behind_completes_nothing() {
    let mut listener = Listener::joined();
    let counter = listener.marks.begin();
    listener.marks.await_sweep(counter, 5);
    let frame =
        |n, swept| Frame::Message(Message { epoch: EPOCH, n, previous: n - 1, swept, entries: Vec::new() }, None);
    assert!(listener.with(|tracker, hear| tracker.take(&frame(6, false), hear)).is_empty());
    assert_eq!(listener.with(|tracker, hear| tracker.take(&frame(7, true), hear)), ["complete"]);
}

#[test]
fn instants_do_not_go_back() {
    let marks = Marks::default();
    let (first, second) = (marks.begin(), marks.begin());
    let (late, now) = (marks.complete(second).unwrap(), Instant::now());
    assert!(late <= now);
    assert_eq!(marks.complete(first), None, "done with by the second");
}
