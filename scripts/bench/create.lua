-- POST /api/events: each with a title, a time, a room and an Idempotency-Key that nothing else has, and with three guests.
-- BENCH_LISTS is a folder with the files `calendars`, `rooms` and `guests`; BENCH_RUN a number that no other run has.

local folder, run, n = os.getenv("BENCH_LISTS"), tonumber(os.getenv("BENCH_RUN")), 0

local function lines(name)
  local list = {}
  for line in io.lines(folder .. "/" .. name) do list[#list + 1] = line end
  return list
end
local calendars, rooms, guests = lines("calendars"), lines("rooms"), lines("guests")
local function of(list, at) return list[at % #list + 1] end

-- Half an hour each, one room after the other, in a month that belongs to this run.
local january_2040, month, half_hour = 2208988800, 31 * 86400, 1800
local function at(slot) return os.date("!%Y-%m-%dT%H:%M:%S", january_2040 + run * month + slot * half_hour) end

function request()
  local slot, invited = math.floor(n / #rooms), {}
  for k = 0, 2 do invited[#invited + 1] = string.format('{"email":"%s"}', of(guests, 3 * n + k)) end
  local body = string.format(
    '{"calendar_id":"%s","title":"Bench %d/%d","start":{"date_time":"%s","time_zone":"UTC"},'
      .. '"end":{"date_time":"%s","time_zone":"UTC"},"attendees":[%s],"resources":["%s"]}',
    of(calendars, n), run, n, at(slot), at(slot + 1), table.concat(invited, ","), of(rooms, n))
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Idempotency-Key"] = string.format("bench-%d-%d", run, n)
  n = n + 1
  return wrk.format("POST", nil, nil, body)
end

dofile(os.getenv("BENCH_SCRIPTS") .. "/percentiles.lua")
