# shellcheck shell=bash
# ./dev stale: readers, writers and faults around three instances, and no read that is older than an acknowledged write.
# With --bug NAME or --all-bugs koyomi makes a mistake on purpose, which has to be found.

cmd_stale() {
  local target url
  case ${1:-} in
    help | -h | --help)
      cat <<'TXT'
usage: ./dev stale [options]
  --reads N         how many reads are to be checked (default 1000000)
  --seconds S       end after so long, whatever has been read
  --seed N          of every random choice; printed by every run
  --mode M          strict, bounded, mixed (default)
  --faults F        all (default), none, or a list: stop_instance,kill_instance,kill_redis,flush_redis,old_redis,
                    garbage_redis,pause_redis,cut_bus,slow_postgres,stop_backend,new_epoch (./dev chaos has more)
  --writers N       at a time (default 64)
  --readers N       at a time (default 48)
  --times N         each of the faults so often, one after the other; then it is over
  --nats            carry the bus over a NATS server instead of PostgreSQL
  --bug NAME        plant this mistake; success is to find it
  --all-bugs        plant one after the other
  --without         with --bug or --all-bugs: the same weather, nothing planted; success is to find nothing
TXT
      return
      ;;
  esac
  local options=() nats=0 option
  for option; do
    if [[ $option == --nats ]]; then nats=1; else options+=("$option"); fi
  done
  ensure_rust
  ensure_packages postgresql redis cc certificates
  if ((nats)); then
    ensure_packages nats
    nats_fresh
    export STALE_NATS_URL=$NATS_URL
  fi
  step "Building koyomi with mistakes to order, and the storm (the first time compiles every dependency)"
  in_group cargo build --release -p bench --bin stale || die "the build failed"
  in_group cargo build --release -p server --features planted --bin koyomi || die "the build failed"
  target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
  make_state_dir
  # Kept apart: the next build puts another one in its place.
  cp "$target/release/koyomi" "$STATE/koyomi-planted.new"
  mv "$STATE/koyomi-planted.new" "$STATE/koyomi-planted"
  step "Starting a private PostgreSQL"
  pg_fresh
  url=$(pg_url "$PG_HOME" postgres postgres)
  step "The storm"
  STALE_DATABASE_URL=$url in_group "$target/release/stale" --koyomi "$STATE/koyomi-planted" "${options[@]}"
}

# What the tests run of it, with unoptimised programs: a minute of weather, and some of the mistakes.
short_storm() {
  local target bug
  in_group cargo build --locked --workspace --features server/planted --bin koyomi --bin stale || return 1
  target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
  make_state_dir
  cp "$target/debug/koyomi" "$STATE/koyomi-planted"
  storm_run "$target/debug/stale" --seed 5 --reads 6000 --seconds 60 --writers 8 --readers 12 || return 1
  for bug in no_view_in_key keep_other_access keep_caller bounded_with_token; do
    storm_run "$target/debug/stale" --seed 5 --seconds 60 --writers 8 --readers 12 --bug "$bug" || return 1
  done
}

storm_run() {
  STALE_DATABASE_URL=$KOYOMI_TEST_DATABASE_URL in_group "$1" --koyomi "$STATE/koyomi-planted" "${@:2}"
}
