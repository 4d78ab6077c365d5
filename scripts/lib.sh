# shellcheck shell=bash
# Words every ./dev command uses. Sourced, never run.

say() { printf '%s\n' "$*" >&2; }
step() { printf '\n==> %s\n' "$*" >&2; }
die() {
  printf 'dev: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# What must happen on every way out, Ctrl-C included: `on_exit 'command'`. The last one registered runs first, and the
# commands that are running end before any of them.
EXIT_STACK=()
on_exit() { EXIT_STACK=("$1" "${EXIT_STACK[@]}"); }
run_exit_stack() {
  local status=$? action
  trap '' INT TERM HUP # a second Ctrl-C must not leave a server behind
  set +e
  stop_groups
  for action in "${EXIT_STACK[@]}"; do eval "$action"; done
  exit "$status"
}
trap run_exit_stack EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# Commands run in process groups of their own, so that a signal to ./dev is acted upon at once (bash would otherwise
# wait for the command first) and ends whatever the command has started, too.
RUNNING=() # the groups that have not been waited for
GROUP=     # the one started last
start_group() {
  set -m
  "$@" </dev/null &
  GROUP=$!
  set +m
  RUNNING+=("$GROUP")
}
wait_group() {
  local status=0 group left=()
  wait "$1" || status=$?
  for group in "${RUNNING[@]}"; do [[ $group == "$1" ]] || left+=("$group"); done
  RUNNING=("${left[@]}")
  return "$status"
}
in_group() {
  start_group "$@"
  wait_group "$GROUP"
}
# Whether anybody in the group lives. The dead may wait long for an init that is slow to bury them.
group_lives() {
  local stat state pgrp
  for stat in /proc/[0-9]*/stat; do
    { read -r stat <"$stat"; } 2>/dev/null || continue
    read -r state _ pgrp _ <<<"${stat##*) }"
    if [[ $pgrp == "$1" && $state != Z ]]; then return 0; fi
  done
  return 1
}
stop_groups() {
  local group
  for group in "${RUNNING[@]}"; do kill -TERM -- "-$group" 2>/dev/null; done
  for group in "${RUNNING[@]}"; do
    for _ in {1..200}; do
      group_lives "$group" || continue 2
      sleep 0.1
    done
    say "process group $group did not end within 20 s: killing it"
    kill -KILL -- "-$group" 2>/dev/null
  done
}

random_hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port nobody listens on, below the range the kernel hands to outgoing connections. Somebody else may take it
# before it is bound.
free_port() {
  local port
  for _ in {1..200}; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 10000))
    if ! port_taken "$port"; then
      printf '%s\n' "$port"
      return
    fi
  done
  die "no free port between 20000 and 29999"
}

# The directory for what ./dev keeps between calls.
make_state_dir() {
  if ! mkdir -p "$STATE" || [[ ! -w $STATE ]]; then
    die "cannot write to $STATE: call ./dev as its owner ($(stat -c %U "$STATE" 2>/dev/null || echo unknown)), or remove it"
  fi
  # root's umask may be strict, yet PostgreSQL runs as somebody else
  if ((EUID == 0)); then chmod go+x "$STATE"; fi
}
