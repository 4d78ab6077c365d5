# shellcheck shell=bash
# ./dev test and ./dev check: steps that all run, and a summary at the end.

SUMMARY=()
FAILED=0
run_step() { # name, command
  local name=$1 began=$SECONDS verdict
  shift
  step "$name"
  if "$@"; then verdict=ok; else
    verdict=FAILED
    FAILED=1
  fi
  SUMMARY+=("$(printf '%-8s%5d s  %s' "$verdict" $((SECONDS - began)) "$name")")
}
skip_step() {
  step "$1"
  say "skipped: $2"
  SUMMARY+=("$(printf '%-8s         %s (%s)' skipped "$1" "$2")")
}
finish_steps() {
  step "Summary"
  printf '%s\n' "${SUMMARY[@]}" >&2
  return "$FAILED"
}

check_format() { in_group cargo fmt --all --check; }
check_lints() { in_group cargo clippy --locked --workspace --all-targets -- -D warnings; }

# Validated by compose itself; the file must also stand without any variable set.
check_compose() {
  say "${COMPOSE[*]} config -q"
  "${COMPOSE[@]}" -f docker-compose.yml config -q
}

check_openapi() {
  local diff
  if ! cargo run --locked --quiet --bin koyomi -- openapi >"$STATE/openapi.json"; then return 1; fi
  if ! diff=$(diff -u docs/openapi.json "$STATE/openapi.json" 2>&1); then
    head -n 40 <<<"$diff" >&2
    say "docs/openapi.json is not what the code says: cargo run --bin koyomi -- openapi >docs/openapi.json"
    return 1
  fi
}

check_scripts() { shellcheck --external-sources --check-sourced dev .ci/run; }

# The journeys of the API with another cache and other reads than the suite's own.
in_mode() { # tiers, reads
  KOYOMI_TEST_CACHE=$1 KOYOMI_TEST_READS=$2 \
    in_group cargo test --locked --workspace --no-fail-fast --test it -- rest:: access::
}

cmd_test() {
  ensure_rust
  if (($#)); then
    ensure_packages postgresql redis nats cc certificates
    pg_fresh
    KOYOMI_TEST_DATABASE_URL=$(pg_url "$PG_HOME" postgres postgres)
    export KOYOMI_TEST_DATABASE_URL
    case " $* " in
      *' -p'* | *' --package'*) in_group cargo test "$@" ;;
      *) in_group cargo test --workspace "$@" ;;
    esac
    return
  fi
  ensure_rust_component fmt rustfmt
  ensure_rust_component clippy clippy
  ensure_packages postgresql redis nats cc certificates compose valgrind promtool
  run_step "docker-compose.yml" check_compose
  run_step "ops: rules, alerts, dashboards" check_ops
  run_step "cargo fmt --all --check" check_format
  run_step "cargo clippy --workspace --all-targets" check_lints
  step "Starting a private PostgreSQL for the tests"
  pg_fresh
  say "PostgreSQL is up on 127.0.0.1:$(<"$PG_HOME/port")"
  KOYOMI_TEST_DATABASE_URL=$(pg_url "$PG_HOME" postgres postgres)
  export KOYOMI_TEST_DATABASE_URL
  run_step "cargo test --workspace" in_group cargo test --locked --workspace --no-fail-fast
  run_step "the API without a cache" in_mode off strict
  run_step "the API with bounded reads" in_mode l1 bounded:100ms
  run_step "a short storm" short_storm
  run_step "instructions against their budgets" cmd_budgets
  finish_steps
}

cmd_check() {
  make_state_dir
  ensure_rust
  ensure_rust_component fmt rustfmt
  ensure_rust_component clippy clippy
  ensure_packages cc certificates compose
  run_step "docker-compose.yml" check_compose
  if have caddy; then
    run_step "compose/Caddyfile" caddy validate --config compose/Caddyfile --adapter caddyfile
  else
    skip_step "compose/Caddyfile" "caddy is not installed"
  fi
  if have promtool; then run_step "ops: rules, alerts, dashboards" check_ops; else skip_step "ops" "promtool is not installed: ./dev ops"; fi
  if have shellcheck; then run_step "shellcheck" check_scripts; else skip_step "shellcheck" "not installed"; fi
  run_step "cargo fmt --all --check" check_format
  if cargo deny --version >/dev/null 2>&1; then
    run_step "cargo deny check bans licenses sources" in_group cargo deny check bans licenses sources
  else
    skip_step "cargo deny" "not installed"
  fi
  run_step "cargo clippy --workspace --all-targets" check_lints
  run_step "docs/openapi.json" check_openapi
  if have node && have npm; then run_step "k6/" k6_check; else skip_step "k6/" "node and npm are not installed"; fi
  finish_steps
}
