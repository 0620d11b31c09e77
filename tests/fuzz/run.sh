#!/usr/bin/env bash
# run.sh PROGRAM SEEDS FOLDER: one fuzz program for RUSTML_FUZZ_SECONDS (20), from the stored seeds and what it found before, which is in
# FOLDER/corpus. An input that breaks it is left in FOLDER.
set -euo pipefail
program=$1 seeds=$2 folder=$3
mkdir -p "$folder/corpus"
"$program" -max_total_time="${RUSTML_FUZZ_SECONDS:-20}" -timeout=25 -print_final_stats=1 -verbosity=0 -artifact_prefix="$folder/" "$folder/corpus" "$seeds" || {
  echo "FAILED: the input is in $folder; to see it again: $program $folder/crash-..." >&2
  exit 1
}
