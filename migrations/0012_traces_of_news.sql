-- The span of the write that this is news of, where it is traced (W3C Trace Context): a transaction that belongs to a trace has
-- set koyomi.traceparent for itself. As a default, so that no statement that writes news, and no trigger, has to name it. (Empty
-- after another transaction in the same session had set it.)
--
-- Every commit would wait behind whoever waits for this lock.
set local lock_timeout = '2s';
alter table outbox add column traceparent text default nullif(current_setting('koyomi.traceparent', true), '');
