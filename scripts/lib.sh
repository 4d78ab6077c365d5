# shellcheck shell=bash
# Words every ./dev command uses. Sourced, never run.

say() { printf '%s\n' "$*" >&2; }
step() { printf '\n==> %s\n' "$*" >&2; }
die() {
  printf 'dev: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Clean-up that must happen on every way out: `on_exit 'command'`. Runs last-in first-out.
EXIT_STACK=()
on_exit() { EXIT_STACK=("$1" "${EXIT_STACK[@]}"); }
run_exit_stack() {
  local status=$? action
  trap '' INT TERM HUP # a second Ctrl-C must not leave a server behind
  set +e
  for action in "${EXIT_STACK[@]}"; do eval "$action"; done
  exit "$status"
}
trap run_exit_stack EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

random_hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port nobody listens on, below the range the kernel hands to outgoing connections. Somebody else may take it
# before it is bound: callers that can try again do.
free_port() {
  local port
  for _ in {1..200}; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 10000))
    port_taken "$port" || { printf '%s\n' "$port" && return; }
  done
  die "no free port between 20000 and 29999"
}

# Ends a process this script started: TERM, then KILL after the given seconds.
stop_pid() {
  local pid=$1 patience=${2:-15}
  kill -TERM "$pid" 2>/dev/null || return 0
  for ((i = 0; i < patience * 10; i++)); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  say "process $pid did not stop within ${patience} s: killing it"
  kill -KILL "$pid" 2>/dev/null || true
}

# The directory for what ./dev keeps between calls.
make_state_dir() {
  mkdir -p "$STATE" 2>/dev/null && [[ -w $STATE ]] ||
    die "cannot write to $STATE (owner: $(stat -c %U "$STATE" 2>/dev/null || echo '?')): call ./dev as that user, or remove the directory"
}
