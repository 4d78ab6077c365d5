-- wrk prints the 50th, 75th, 90th and 99th percentile; this one is missing. The requests stay as they are.
function done(_, latency, _)
  io.write(string.format("     95%%  %10.3fms\n", latency:percentile(95) / 1000))
end
