# The table of ./dev bench growth: names are `question: events`, the sizes in the order in which they were measured. With
# `format=data` lines for the plot: question, events, blocks, microseconds of CPU.

END {
  for (i = 1; i <= variants; i++) {
    split(names[i], parts, ": ")
    if (!(parts[1] in asked)) { asked[parts[1]]; questions[++q] = parts[1] }
    if (!(parts[2] in sized)) { sized[parts[2]]; sizes[++s] = parts[2] }
  }
  if (format == "data") data()
  else table()
}
function data(    i, j, n) {
  for (i = 1; i <= q; i++)
    for (j = 1; j <= s; j++) {
      n = questions[i] ": " sizes[j]
      printf "%s\t%d\t%.1f\t%.1f\n", questions[i], sizes[j], median(n, 11), median(n, 5) + median(n, 6)
    }
}
function table(    i) {
  add("question\tSQL" each_size("blocks, ") each_size("PostgreSQL, ") each_size("koyomi, ") "\tgrowth: blocks\tCPU")
  for (i = 1; i <= q; i++)
    add(questions[i] "\t" statements(questions[i]) figures(questions[i], 11) figures(questions[i], 6) figures(questions[i], 5) \
      "\t" growth(questions[i], 11, 11) "\t" growth(questions[i], 5, 6))
  show(1)
}
function each_size(what,    j, text) {
  for (j = 1; j <= s; j++) text = text "\t" (j == 1 ? what : "") (sizes[j] >= 1e6 ? sizes[j] / 1e6 " M" : sizes[j] / 1e3 " k")
  return text
}
function figures(question, column,    j, text) {
  for (j = 1; j <= s; j++) text = text sprintf("\t%.0f", median(question ": " sizes[j], column))
  return text
}
# What is asked at rest comes on top, the more of it the longer a request takes.
function statements(question,    j, x, least) {
  for (j = 1; j <= s; j++) if ((x = median(question ": " sizes[j], 9)) < least || j == 1) least = x
  return sprintf("%.1f", least)
}
function growth(question, one, other,    first, last) {
  first = question ": " sizes[1]
  last = question ": " sizes[s]
  if (one == other) return sprintf("%.1f ×", median(last, one) / median(first, one))
  return sprintf("%.1f ×", (median(last, one) + median(last, other)) / (median(first, one) + median(first, other)))
}
