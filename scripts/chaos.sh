# shellcheck shell=bash
# ./dev chaos [--times N] [options of ./dev stale]: PostgreSQL, Redis, NATS and servers are killed with -9, one after the
# other, each so often, under readers and writers of three instances. Nothing acknowledged may be lost, nothing stale, and
# everybody is answered again within five seconds of the part being back.

cmd_chaos() {
  local target control times=(--times 50)
  [[ " $* " != *' --times '* ]] || times=()
  ensure_rust
  ensure_packages postgresql redis nats cc certificates
  step "Building koyomi and the storm (the first time compiles every dependency)"
  in_group cargo build --release -p bench --bin stale || die "the build failed"
  build_koyomi
  target=${KOYOMI%/*}
  fresh_home bench
  # Kept apart: the next build puts others in their place.
  cp "$KOYOMI" "$target/stale" "$FRESH_HOME/"
  step "Starting a private PostgreSQL"
  pg_fresh
  control=$FRESH_HOME/postgres-control
  chaos_postgres "$control"
  step "The storm"
  STALE_DATABASE_URL=$(pg_url "$PG_HOME" postgres postgres) in_group "$FRESH_HOME/stale" --koyomi "$FRESH_HOME/koyomi" \
    --postgres-control "$control" --nats-server "$(command -v nats-server)" --reads 100000000 --writers 24 --readers 16 \
    --faults kill_postgres,kill_redis,kill_nats,kill_instance "${times[@]}" "$@"
}

# A program that kills the private server, and starts it again.
chaos_postgres() {
  local data=$PG_HOME/data as=''
  ((EUID != 0)) || as='runuser -u postgres --'
  cat >"$1" <<SH
#!/usr/bin/env bash
case \$1 in
  kill) kill -9 "\$(head -n 1 '$data/postmaster.pid')" ;;
  start)
    # Its sessions may take a moment to notice, and hold its memory until then.
    for _ in {1..100}; do
      if PGDATA='$data' setsid $as '$PG_BIN/pg_ctl' start -w -s -t 60 -l '$data/server.log' </dev/null >/dev/null 2>&1; then exit 0; fi
      sleep 0.05
    done
    exit 1
    ;;
esac
SH
  chmod 755 "$1"
}
