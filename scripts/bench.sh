# shellcheck shell=bash
cmd_bench() { :; }
