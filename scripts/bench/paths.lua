-- GET of the paths in the file BENCH_PATHS, one after the other and over again.

local paths, n = {}, 0
for line in io.lines(os.getenv("BENCH_PATHS")) do paths[#paths + 1] = line end

function request()
  n = n + 1
  return wrk.format("GET", paths[n % #paths + 1])
end

dofile(os.getenv("BENCH_SCRIPTS") .. "/percentiles.lua")
