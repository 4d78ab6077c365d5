# shellcheck shell=bash
# ./dev budgets [--write]: the instructions of the functions of crates/server/src/counted.rs, under callgrind, against
# crates/server/budgets. No clock in it: the same code takes the same instructions on a busy machine.

# Percent over its budget at which a function fails: hashes have other seeds each time, processors other ways of copying bytes.
BUDGET_TOLERANCE=10

cmd_budgets() {
  local write=0
  case "$*" in
    '') ;;
    --write) write=1 ;;
    *) die "usage: ./dev budgets [--write]" ;;
  esac
  ensure_rust
  ensure_packages cc certificates valgrind
  make_state_dir
  budgets_count >"$STATE/budgets" || return 1
  if ((write)); then
    cp "$STATE/budgets" crates/server/budgets
    say "written: crates/server/budgets"
    return
  fi
  budgets_compare
}

budgets_count() {
  local home=crates/server tests name=counted::each_does_what_it_is_counted_for
  tests=$(in_group cargo test --locked --no-run --quiet -p server --lib --message-format=json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
  [[ -x $tests ]] || die "the tests of the server did not build"
  (cd "$home" && valgrind --tool=callgrind --callgrind-out-file="$STATE/callgrind" --toggle-collect='server::counted::counted*' \
    "$tests" --exact "$name" --test-threads=1 >"$STATE/callgrind.log" 2>&1) || die "callgrind: $(tail -n 5 "$STATE/callgrind.log")"
  callgrind_annotate --inclusive=yes --threshold=100 "$STATE/callgrind" 2>/dev/null | awk '
    match($0, /server::counted::measured::[a-z_]+( |$)/) {
      name = substr($0, RSTART + 27, RLENGTH - 27)
      sub(/ $/, "", name)
      count = $1
      gsub(/,/, "", count)
      if (count + 0 > most[name]) most[name] = count + 0
    }
    END { for (name in most) print name, most[name] }' | sort
}

budgets_compare() {
  awk -v tolerance="$BUDGET_TOLERANCE" '
    NR == FNR { budget[$1] = $2; next }
    {
      change = budget[$1] ? ($2 / budget[$1] - 1) * 100 : 0
      verdict = !($1 in budget) ? "has no budget" : change > tolerance ? "OVER ITS BUDGET" : change < -tolerance ? "below: lower the budget" : "ok"
      printf "%-32s%12d%12d%+8.1f %%  %s\n", $1, $2, budget[$1], change, verdict
      if (!($1 in budget) || change > tolerance) bad = 1
      seen[$1] = 1
    }
    END {
      for (name in budget) if (!(name in seen)) { print name, "was not counted"; bad = 1 }
      exit bad
    }' crates/server/budgets "$STATE/budgets" || {
    say "when the work really is more: ./dev budgets --write, and say why in the commit"
    return 1
  }
}
