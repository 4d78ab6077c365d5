# shellcheck shell=bash
ensure_packages() { :; }
