# Of rounds (tab-separated lines, a name first) medians and spreads; and tables, as text or as Markdown by `format`.
# Loaded before the program that says what is in the table.

# The values of all rounds, in order; how many.
function sorted(name, column, out,    n, i, j, x) {
  n = rounds[name]
  for (i = 1; i <= n; i++) {
    x = value[name, column, i]
    for (j = i - 1; j >= 1 && out[j] > x; j--) out[j + 1] = out[j]
    out[j + 1] = x
  }
  return n
}
function median(name, column,    v, n) {
  n = sorted(name, column, v)
  return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
function spread(name, column, digits,    v, n) {
  n = sorted(name, column, v)
  return sprintf("%.*f [%.*f..%.*f]", digits, median(name, column), digits, v[1], digits, v[n])
}

# A row of cells, separated by tabs.
function add(text,    parts, i) {
  columns = split(text, parts, "\t")
  height++
  for (i = 1; i <= columns; i++) {
    cells[height, i] = parts[i]
    if (length(parts[i]) > width[i]) width[i] = length(parts[i])
  }
}
# Prints all rows; the first `left` columns are words, the others numbers.
function show(left,    row, i, line, rule) {
  for (row = 1; row <= height; row++) {
    line = ""
    for (i = 1; i <= columns; i++)
      line = line (i > 1 ? (format == "markdown" ? " | " : "  ") : "") sprintf(i <= left ? "%-*s" : "%*s", width[i], cells[row, i])
    print format == "markdown" ? "| " line " |" : line
    if (row == 1 && format == "markdown") {
      rule = "|"
      for (i = 1; i <= columns; i++) rule = rule (i <= left ? " --- |" : " ---: |")
      print rule
    }
  }
}

{
  if (!rounds[$1]++) names[++variants] = $1
  for (i = 2; i <= NF; i++) value[$1, i, rounds[$1]] = $i + 0
}
