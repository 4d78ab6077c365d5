# The table of ./dev bench and ./dev bench graphql. `rss` is name=kilobytes;… of the servers.

function ratio(name, column,    r) {
  r = median(name, column) / median("bare", column)
  return sprintf(r < 0.1 ? "%.3f" : "%.2f", r)
}
END {
  count = split(rss, pairs, ";")
  for (i = 1; i < count; i++) {
    split(pairs[i], pair, "=")
    memory[pair[1]] = pair[2]
  }
  add("variant\trequests/s\tof bare\tp50 ms\tp99 ms\tCPU: server\tof bare\tPostgreSQL\tRedis\tSQL\twrk\tmemory")
  for (i = 1; i <= variants; i++) {
    n = names[i]
    add(sprintf("%s\t%s\t%s\t%.2f\t%s\t%.1f\t%s\t%.1f\t%.1f\t%.2f\t%.0f\t%.0f", n, spread(n, 2, 0), ratio(n, 2), median(n, 3),
      spread(n, 4, 2), median(n, 5), ratio(n, 5), median(n, 6), median(n, 7), median(n, 9), median(n, 8), memory[n] / 1024))
  }
  show(1)
}
