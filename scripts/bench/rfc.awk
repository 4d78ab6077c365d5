# The table of ./dev bench rfc: names are `route: variant`, and the first variant of each route is the naive one.

END {
  add("route\tvariant\trequests/s\tof naive\tp50 ms\tp95 ms\tp99 ms\tSQL\tCPU: server\tPostgreSQL\tRedis\tall, of naive")
  for (i = 1; i <= variants; i++) {
    n = names[i]
    split(n, parts, ": ")
    cpu = median(n, 5) + median(n, 6) + median(n, 7)
    if (parts[1] != route) { naive = n; naive_cpu = cpu }
    add(sprintf("%s\t%s\t%s\t%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f\t%.0f\t%.1f\t%s", parts[1] == route ? "" : parts[1], parts[2],
      spread(n, 2, 0), times(median(n, 2) / median(naive, 2)), median(n, 3), median(n, 10), median(n, 4), median(n, 9),
      median(n, 5), median(n, 6), median(n, 7), share(cpu / naive_cpu)))
    route = parts[1]
  }
  show(2)
}
function times(x) { return sprintf(x < 10 ? "%.1f ×" : "%.0f ×", x) }
function share(x) { return sprintf(x < 0.1 ? "%.1f %%" : "%.0f %%", 100 * x) }
