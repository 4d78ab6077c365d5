-- The span of the write that this is news of, where it is traced (W3C Trace Context): a transaction that belongs to a trace has
-- set koyomi.traceparent for itself. As a default, so that every way into the outbox has it, triggers and older instances too.
-- Empty after a transaction in the same session that had set it.
alter table outbox add column traceparent text default nullif(current_setting('koyomi.traceparent', true), '');
