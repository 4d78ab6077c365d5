# shellcheck shell=bash
# ./dev fuzz: random rules, whole and damaged, through the parser and the expander of crates/recurrence. None may panic,
# answer nonsense, or take more than 10 ms of the processor for a window of one year.

cmd_fuzz() {
  local usage="usage: ./dev fuzz [--rules N] [--seed N] [--only NUMBER]" options=()
  while (($#)); do
    case $1 in
      --rules | --seed | --only)
        [[ ${2:-} =~ ^[0-9]+$ ]] || die "$usage"
        options+=("$1" "$2")
        shift 2
        ;;
      *) die "$usage" ;;
    esac
  done
  ensure_rust
  ensure_packages cc
  in_group cargo run --locked --quiet --release -p recurrence --example fuzz -- "${options[@]}"
}
