# The rows of bench-compare.sh, two by two: "what, this" and "what, other".
function ratio_of(what, column) { return median(what ", this", column) / median(what ", other", column) }
END {
  add("\trequests/s: this\tother\tthis/other\tserver CPU: this\tother\tthis/other\tPostgreSQL: this\tother")
  for (i = 1; i <= variants; i += 2) {
    what = names[i]
    sub(/, this$/, "", what)
    this = what ", this"
    other = what ", other"
    add(what "\t" spread(this, 2, 0) "\t" spread(other, 2, 0) sprintf("\t%.2f\t", ratio_of(what, 2)) sprintf("%.1f\t%.1f\t%.2f\t%.1f\t%.1f", median(this, 5), median(other, 5), ratio_of(what, 5), median(this, 6), median(other, 6)))
  }
  show(1)
  split(memory, rss, " ")
  printf "memory without a cache, after it, in MB: this %.0f, other %.0f\n", rss[1], rss[2]
}
