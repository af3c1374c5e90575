#!/usr/bin/env bash
# The slow tests, for a night: every test in the release build and with the sanitizers; an hour of
# fuzzing for each reader of files; the Python module with several versions of transformers, which
# pip downloads; the commands of the documents; the packages; and the installation, from nothing and
# from the packages, on each supported system (as root, if debootstrap is installed). Takes hours on
# 2 cores. Each part runs even if an earlier one failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failed=()
list() {
  local name=$1
  shift
  printf '\n==== %s\n' "$name"
  "$@" || failed+=("$name")
}

# The thread sanitizer does not know libgomp. So it checks the project's own threads, with one
# thread for each of LibTorch's operations.
thread_sanitizer() {
  ./tools/setup.sh --tests &&
    cmake --preset tsan --log-level=ERROR &&
    cmake --build --preset tsan --target test_core test_text test_data test_cli_launch test_checkpoint_writer &&
    for program in core text data cli_launch checkpoint_writer; do
      OMP_NUM_THREADS=1 "build/tsan/bin/test_$program" --gtest_brief=1 || return 1
    done
}

# An hour for each reader (LINFORMER_FUZZ_SECONDS: another time), with other inputs each night.
# Findings are in build/fuzz/tests/fuzz.
changed_inputs() {
  ./tools/setup.sh --tests &&
    cmake --preset fuzz --log-level=ERROR &&
    cmake --build --preset fuzz &&
    LINFORMER_FUZZ_SECONDS=${LINFORMER_FUZZ_SECONDS:-3600} LINFORMER_FUZZ_SEED=$(date +%Y%j) \
      ctest --preset fuzz --parallel "$(nproc)" -R '^Fuzz[.]'
}

list "release, 50 kills" env LINFORMER_NIGHTLY=1 ./tools/test.sh
list "address and undefined behaviour" env LINFORMER_PRESET=asan ./tools/test.sh
list "threads" thread_sanitizer
list "changed inputs" changed_inputs
list "transformers' own tests" ./tools/hf/test.sh
list "commands of the documents" ./tools/run_documents.sh

# The packages are made on this system. Its own .deb is for no other one.
packages_on() {
  local own
  own=$(. /etc/os-release && echo "$VERSION_CODENAME")
  local files=(build/release/packages/*.tar.gz) command='tar -C .. -xzf ../linformer-*.tar.gz &&
    tests/tools/use_package.sh "$(echo ~/linformer-*/bin)"'
  if [[ $1 == "$own" ]]; then
    files+=(build/release/packages/*.deb)
    command+=' && apt-get update -qq && apt-get install -qq -y ~/linformer_*.deb >/dev/null &&
      tests/tools/use_package.sh /usr/bin'
  fi
  ./tools/bare-system.sh "$1" "$command" "${files[@]}"
}

left_out=
list "packages" ./tools/package.sh
if ((EUID == 0)) && command -v debootstrap >/dev/null; then
  for suite in bookworm trixie noble; do # Debian 12 and 13, Ubuntu 24.04
    list "bare $suite" env CI=true ./tools/bare-system.sh "$suite" \
      './tools/quickstart.sh && ./tools/test.sh'
    list "packages on a bare $suite" packages_on "$suite"
  done
else
  left_out="; left out: bare systems, which take root and debootstrap"
fi

if ((${#failed[@]} > 0)); then
  printf '\nfailed: %s%s\n' "$(IFS=, && echo "${failed[*]}")" "$left_out"
  exit 1
fi
printf '\nall lists passed%s\n' "$left_out"
