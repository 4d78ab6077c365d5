-- wrk: each client waits a random time between an answer and its next request, `-- MILLISECONDS` on average.
local most = 0

function init(arguments)
  math.randomseed(7)
  most = 2 * tonumber(arguments[1])
end

function delay()
  return math.random(0, most)
end
