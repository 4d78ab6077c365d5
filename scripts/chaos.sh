# shellcheck shell=bash
# ./dev chaos [KIND] [--times N] [options of ./dev stale]: parts are broken, one after the other, each so often, under readers
# and writers of three instances. Nothing acknowledged may be lost, nothing stale, and everybody is answered again within five
# seconds of the part being back.

cmd_chaos() {
  local kind=kills control options=(--times 12)
  case ${1:-} in
    help | -h | --help)
      cat <<'TXT'
usage: ./dev chaos [kills | network | disk | clock] [options of ./dev stale]
  kills     PostgreSQL, Redis, NATS and servers killed with -9 (50 times each)
  network   late, narrow, half open (then healed or reset), dead one way, and forgotten: between servers and PostgreSQL,
            Redis, NATS (12 times each)
  disk      no room for tables, and none for the write-ahead log: on small disks mounted for it, which needs root (12 times)
  clock     one server's clock an hour ahead, an hour behind, and right again, by libfaketime (12 times)
  --times N, --seed N, --seconds S, --mode M, --writers N, --readers N, --faults F as in ./dev stale
KOYOMI_CHAOS_BIN=DIR: the programs koyomi and stale of this directory instead of building them
TXT
      return
      ;;
    kills | network | disk | clock)
      kind=$1
      shift
      ;;
  esac
  ensure_packages postgresql redis nats certificates
  case $kind in
    kills) options=(--times 50 --faults "kill_postgres,kill_redis,kill_nats,kill_instance") ;;
    network) options+=(--faults network) ;;
    disk)
      ((EUID == 0)) || die "./dev chaos disk mounts small disks, for which it has to be root"
      options+=(--faults "full_disk,full_log" --tablespace small)
      ;;
    clock)
      ensure_packages faketime
      options+=(--faults clock_jump --faketime "$(find_faketime)")
      ;;
  esac
  chaos_programs
  control=$FRESH_HOME/postgres-control
  if [[ $kind == disk ]]; then
    chaos_disks
    pg_fresh
    chaos_move_in
  else
    step "Starting a private PostgreSQL"
    pg_fresh
  fi
  chaos_postgres "$control"
  step "The storm"
  # What is given later holds: each option may be given again.
  STALE_DATABASE_URL=$(pg_url "$PG_HOME" postgres postgres) in_group "$FRESH_HOME/stale" --koyomi "$FRESH_HOME/koyomi" \
    --postgres-control "$control" --nats-server "$(command -v nats-server)" --reads 100000000 --writers 24 --readers 16 \
    "${options[@]}" "$@"
}

# The programs, kept apart in FRESH_HOME: the next build puts others in their place.
chaos_programs() {
  if [[ -n ${KOYOMI_CHAOS_BIN:-} ]]; then
    fresh_home bench
    cp "$KOYOMI_CHAOS_BIN/koyomi" "$KOYOMI_CHAOS_BIN/stale" "$FRESH_HOME/"
    return
  fi
  ensure_rust
  ensure_packages cc
  step "Building koyomi and the storm (the first time compiles every dependency)"
  in_group cargo build --release -p bench --bin stale || die "the build failed"
  build_koyomi
  fresh_home bench
  cp "$KOYOMI" "${KOYOMI%/*}/stale" "$FRESH_HOME/"
}

# Two small disks, in memory, which the user postgres owns: CHAOS_DISKS/tables and CHAOS_DISKS/log. What a killed script left
# mounted is swept up first: its number is that of no process.
CHAOS_DISKS=
chaos_disks() {
  local old name
  find_pg_base
  for old in "$PG_BASE"/fresh-disks.*; do
    if [[ -d $old && ! -e /proc/${old##*.} ]]; then chaos_unmount "$old"; fi
  done
  CHAOS_DISKS=$PG_BASE/fresh-disks.$$
  step "Mounting two small disks in $CHAOS_DISKS"
  on_exit "chaos_unmount ${CHAOS_DISKS@Q}"
  for name in tables log; do
    mkdir -p "$CHAOS_DISKS/$name"
    mount -t tmpfs -o "size=192m,mode=700,uid=$(id -u postgres),gid=$(id -g postgres)" koyomi-chaos "$CHAOS_DISKS/$name" ||
      die "cannot mount a tmpfs here (in a container: it needs CAP_SYS_ADMIN)"
  done
  chmod 755 "$CHAOS_DISKS"
}
chaos_unmount() {
  local name
  for name in tables log; do
    if mountpoint -q "$1/$name"; then umount "$1/$name" || umount -l "$1/$name"; fi
  done
  rm -rf "$1"
}

# The write-ahead log moves to one of them, and the other one becomes the tablespace `small`. Little of the log is kept for
# later, so that it needs room soon.
chaos_move_in() {
  local data=$PG_HOME/data
  pg_psql "$PG_HOME" postgres postgres -q -v ON_ERROR_STOP=1 <<SQL
create tablespace small location '$CHAOS_DISKS/tables';
alter system set min_wal_size = '32MB';
alter system set max_wal_size = '64MB';
SQL
  pg_down "$PG_HOME"
  as_pg mkdir "$CHAOS_DISKS/log/pg_wal"
  as_pg cp -a "$data/pg_wal/." "$CHAOS_DISKS/log/pg_wal/"
  rm -rf "$data/pg_wal"
  as_pg ln -s "$CHAOS_DISKS/log/pg_wal" "$data/pg_wal"
  pg_up "$PG_HOME"
}

# A program that breaks the private server, and mends it again.
chaos_postgres() {
  local data=$PG_HOME/data as=''
  ((EUID != 0)) || as='runuser -u postgres --'
  cat >"$1" <<SH
#!/usr/bin/env bash
up() { $as '$PG_BIN/pg_isready' -q -h 127.0.0.1 -p '$(<"$PG_HOME/port")'; }
start() {
  # Its sessions may take a moment to notice, and hold its memory until then.
  for _ in {1..100}; do
    if PGDATA='$data' setsid $as '$PG_BIN/pg_ctl' start -w -s -t 60 -l '$data/server.log' </dev/null >/dev/null 2>&1; then exit 0; fi
    if up; then exit 0; fi
    sleep 0.05
  done
  exit 1
}
# Everything that is left of a disk.
fill() { $as dd if=/dev/zero of="\$1/filler" bs=1M status=none 2>/dev/null || true; }
case \$1 in
  kill) kill -9 "\$(head -n 1 '$data/postmaster.pid')" ;;
  start) start ;;
  fill_tables) fill '${CHAOS_DISKS:-/nowhere}/tables' ;;
  fill_log)
    fill '${CHAOS_DISKS:-/nowhere}/log'
    # Segments that are kept for later are used up.
    for _ in {1..8}; do
      PGPASSWORD=\$(<'$PG_HOME/password') timeout 5 '$PG_BIN/psql' -X -q -h 127.0.0.1 -p '$(<"$PG_HOME/port")' -U postgres postgres \\
        -c 'select pg_logical_emit_message(false, \$\$koyomi\$\$, \$\$\$\$), pg_switch_wal()' >/dev/null 2>&1 || break
    done
    ;;
  free)
    rm -f '${CHAOS_DISKS:-/nowhere}'/{tables,log}/filler
    # It may just be trying by itself, or have given up.
    for _ in {1..40}; do
      if up; then exit 0; fi
      sleep 0.05
    done
    start
    ;;
esac
SH
  chmod 755 "$1"
}
