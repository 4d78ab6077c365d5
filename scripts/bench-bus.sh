# shellcheck shell=bash
# ./dev bench bus: what the bus costs writers, how fast the news travels, and whether all of it arrives; over
# LISTEN/NOTIFY and over NATS. Arguments go to bus-bench (--writers, --seconds, --messages).

cmd_bench_bus() {
  local target url
  ensure_rust
  ensure_packages postgresql nats cc certificates
  step "Building koyomi and the benchmark"
  in_group cargo build --release -p server --bin koyomi || die "the build failed"
  in_group cargo build --release -p bench --bin bus-bench || die "the build failed"
  target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
  step "Starting a private PostgreSQL and NATS"
  pg_fresh
  nats_fresh
  url=$(pg_url "$PG_HOME" koyomi koyomi)
  DATABASE_URL=$url in_group "$target/release/koyomi" migrate >&2
  step "Over LISTEN/NOTIFY"
  in_group "$target/release/bus-bench" --database-url "$url" "$@"
  step "Over NATS"
  in_group "$target/release/bus-bench" --database-url "$url" --nats "$NATS_URL" "$@"
}
