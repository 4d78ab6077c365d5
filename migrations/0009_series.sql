-- Editing series: halves of a split series know each other, and overrides may trade places.

-- A series that was split at an occurrence: what came before it and what goes on after it. Both columns, not one and a
-- look-up: every list shows them, and a list of 500 would make 500 look-ups. Whoever splits or deletes writes both sides.
alter table events add column previous_series_id uuid references events (id);
alter table events add column next_series_id uuid references events (id);

-- When a series moves by a day, the override of the 10th becomes that of the 11th while the one of the 11th becomes that
-- of the 12th. A unique index is checked row by row and would refuse on the way; a deferrable constraint is checked when
-- the statement ends, and only an exclusion constraint can be deferrable and partial.
--
-- Only overrides pay for it: they are written under the lock of their series. Two people who use one UID for two new
-- events at the same moment still meet a unique index, which makes the second wait and answers it; an exclusion
-- constraint would let both in and have PostgreSQL find a deadlock. The last column is null for all but overrides, whose
-- ids it holds, so that the one index finds all records of a UID.
alter table events add constraint events_override exclude using btree (
    calendar_id with =, uid with =, original_start with =
) where (deleted_at is null and original_start is not null) deferrable initially immediate;
drop index events_uid;
create unique index events_uid on events (calendar_id, uid, (case when original_start is not null then id end))
    nulls not distinct where deleted_at is null;
