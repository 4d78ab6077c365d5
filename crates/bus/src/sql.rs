//! Every statement of the bus.

pub(crate) const CHANNEL: &str = "koyomi_bus";

/// Numbers that a crash may have made the sequence forget are passed over. It remembers in steps of 32, and a step is
/// durable only with the commit of some transaction: after a crash it may give once more what a broker has already.
pub(crate) const SKIP_FORGOTTEN: &str = "select max(nextval('bus_messages')) from generate_series(1, 64)";

/// A relay that is stopped in its turn must not keep the others from theirs.
pub(crate) const LIMIT_TURNS: &str = "set idle_in_transaction_session_timeout = '2s'";

/// The outbox is read by its index only, whose dead entries are marked and passed over quickly. A plan that was made
/// while it was empty would visit and sort the whole table for as long as the connection lives.
pub(crate) const BY_INDEX: &str = "set enable_seqscan = off";

/// Whether there is work, without any lock. Not `exists`, which throws the order away, and the index with it.
pub(crate) const LOOK: &str = "select (select id from outbox order by id limit 1) is not null, n from bus";

/// The turn, and only then a number: a number taken before the lock could be sent after a higher one.
pub(crate) const TURN: &str = "with turn as materialized (select n from bus for update skip locked)
     select turn.n, nextval('bus_messages'), deploy.epoch from turn, deploy";

/// The oldest news, one row per subject, with the ids of all rows of it. No row locks: only the holder of the turn
/// takes rows out. A statement of its own after `TURN`: its snapshot must be younger than the number.
pub(crate) const TAKE: &str = "select kind, subject_id, max(seq) as seq, max(acl) as acl, array_agg(id) as ids,
         (extract(epoch from clock_timestamp() - min(written_at)) * 1000000)::bigint as age,
         array_agg(traceparent) filter (where traceparent is not null) as traceparents
     from (select * from outbox order by id limit $1) oldest
     group by kind, subject_id
     order by min(id)
     limit $2";

pub(crate) const SENT: &str = "with numbered as (update bus set n = $1)
     delete from outbox where id = any($2)";

/// As `SENT`, and the message leaves with the same commit.
pub(crate) const SENT_NOTIFYING: &str = "with numbered as (update bus set n = $1),
     gone as (delete from outbox where id = any($2))
     select pg_notify('koyomi_bus', $3)";

/// One snapshot: is there an outbox, is it empty, how far the numbers have gone, and the text of the mark.
pub(crate) const MARK: &str = "select d.outbox, (select id from outbox order by id limit 1) is null, s.last_value,
         $1::text || '.' || d.epoch || '.' || b.n
     from bus b, deploy d, bus_messages s";

/// As `MARK`, and the mark is sent by the same statement if it is true.
pub(crate) const MARK_NOTIFYING: &str = "with place as materialized (
         select d.outbox, (select id from outbox order by id limit 1) is null as empty, s.last_value,
             $1::text || '.' || d.epoch || '.' || b.n as mark
         from bus b, deploy d, bus_messages s
     )
     select outbox, empty, last_value, mark, case when outbox and empty then pg_notify('koyomi_bus', mark) end
     from place";

/// How many rows wait, as far as anybody wants to know.
pub(crate) const WAITING: &str = "select count(*) from (select from outbox limit 10000) waiting";

/// Rows live for milliseconds, and PostgreSQL's own vacuum looks once a minute. Without truncating, which would lock out
/// the writers.
pub(crate) const SWEEP_DEAD: &str = "vacuum (skip_locked, truncate off) outbox";

/// The head and the changes after `$2`, up to the end of the seq in which the `$3`rd lies: one row at least.
pub(crate) const FEED: &str = "with head as (
         select calendar_id, seq, acl, min_seq from heads where calendar_id = $1
     ), cut as (
         select seq from changes where calendar_id = $1 and seq > $2 order by seq, n offset $3 - 1 limit 1
     )
     select h.seq, h.acl, h.min_seq, c.seq, c.n, c.kind, c.object_id
     from head h
     left join changes c on c.calendar_id = h.calendar_id and c.seq > $2 and c.seq <= coalesce((select seq from cut), h.seq)
     order by c.seq, c.n";
