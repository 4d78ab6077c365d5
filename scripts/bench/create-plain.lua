-- POST /api/events: an hour without guests or rooms, in the calendar BENCH_CALENDAR, under a key that nothing else has.
-- BENCH_RUN is a number that no other run has.

local calendar, run, n = os.getenv("BENCH_CALENDAR"), tonumber(os.getenv("BENCH_RUN")), 0

function request()
  n = n + 1
  local body = string.format(
    '{"calendar_id":"%s","title":"Bench %d/%d","start":{"date_time":"2027-01-%02dT%02d:00:00","time_zone":"UTC"}}',
    calendar, run, n, 1 + n % 28, n % 24)
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Idempotency-Key"] = string.format("plain-%d-%d", run, n)
  return wrk.format("POST", nil, nil, body)
end

dofile(os.getenv("BENCH_SCRIPTS") .. "/percentiles.lua")
