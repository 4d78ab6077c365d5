# shellcheck shell=bash
# Private Redis and NATS servers: TCP on 127.0.0.1 only, on a free port, in a directory of their own. They live as long
# as this script and leave nothing behind.

find_redis() { have redis-server; }
find_nats() { have nats-server; }

# A directory for a server of kind $1 that lasts as long as this script: FRESH_HOME. What a killed script left is swept
# up first: its directory is the one whose lock nobody holds.
FRESH_HOME=
fresh_home() {
  local kind=$1 lock old
  make_state_dir
  exec {lock}>"$STATE/fresh.lock"
  flock "$lock"
  for old in "$STATE/fresh-$kind".*; do
    if [[ -d $old ]] && flock -n "$old/lock" true; then rm -rf "$old"; fi
  done
  FRESH_HOME=$(mktemp -d "$STATE/fresh-$kind.XXXXXX")
  on_exit "rm -rf ${FRESH_HOME@Q}"
  exec {lock}>&-
  exec {lock}>"$FRESH_HOME/lock" # held until this script ends
  flock "$lock"
}

# Waits until what listens on port $2 answers the line $3 with one that begins with $4; group $1 may end before that.
wait_for_line() {
  local group=$1 port=$2 word=$3 wanted=$4
  for _ in {1..100}; do
    kill -0 "$group" 2>/dev/null || return 1
    if says "$port" "$word" "$wanted" 2>/dev/null; then return; fi
    sleep 0.1
  done
  return 1
}
says() (
  exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
  [[ -z $2 ]] || printf '%s\r\n' "$2" >&3
  IFS= read -r -t 2 line <&3 && [[ $line == "$3"* ]]
)

# A fresh Redis that keeps nothing, until this script ends: REDIS_URL.
REDIS_URL=
redis_fresh() {
  local home port
  find_redis || die "redis-server is not installed"
  fresh_home redis
  home=$FRESH_HOME
  for _ in {1..5}; do
    port=$(free_port)
    start_group setpriv --pdeathsig TERM redis-server --bind 127.0.0.1 --port "$port" --dir "$home" --save '' \
      --appendonly no --daemonize no >"$home/log" 2>&1
    if wait_for_line "$GROUP" "$port" PING +PONG; then
      # shellcheck disable=SC2034 # for the caller
      REDIS_URL=redis://127.0.0.1:$port/0
      return
    fi
    end_group "$GROUP"
  done
  tail -n 20 "$home/log" >&2
  die "redis-server did not start"
}

# A fresh NATS server with JetStream, until this script ends: NATS_URL.
NATS_URL=
nats_fresh() {
  local home port
  find_nats || die "nats-server is not installed"
  fresh_home nats
  home=$FRESH_HOME
  for _ in {1..5}; do
    port=$(free_port)
    start_group setpriv --pdeathsig TERM nats-server -js -sd "$home/jetstream" -a 127.0.0.1 -p "$port" >"$home/log" 2>&1
    if wait_for_line "$GROUP" "$port" '' INFO; then
      NATS_URL=nats://127.0.0.1:$port
      return
    fi
    end_group "$GROUP"
  done
  tail -n 20 "$home/log" >&2
  die "nats-server did not start"
}

# Ends a group that has failed and forgets it.
end_group() {
  kill -KILL -- "-$1" 2>/dev/null || true
  wait_group "$1" 2>/dev/null || true
}
