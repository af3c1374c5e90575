#!/usr/bin/env bash
# Sets up, builds, checks the format and runs every test. Arguments go to ctest, e.g. tools/test.sh
# -R Perplexity. LINFORMER_PRESET=asan chooses a build. In CI (if CI is set), warnings are errors,
# and each reader of files is fuzzed for 10 s instead of 1 s (LINFORMER_FUZZ_SECONDS).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly preset=${LINFORMER_PRESET:-release}
readonly build=build/$preset

./tools/setup.sh --tests
echo "== build ($preset)"
started=$SECONDS
cmake --preset "$preset" --log-level=ERROR -DLINFORMER_BUILD_TESTS=ON ${CI:+-DLINFORMER_WERROR=ON}
cmake --build --preset "$preset"
echo "== built in $((SECONDS - started)) s"

echo "== format"
./tools/format.sh --check

# Tests run one after another, except the fuzzing tests: each of them keeps one core busy.
echo "== tests"
status=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT
fuzz_seconds=${CI:+10}
export LINFORMER_FUZZ_SECONDS=${LINFORMER_FUZZ_SECONDS:-${fuzz_seconds:-1}}
ctest --preset "$preset" --no-tests=error --parallel "$(nproc)" "$@" 2>&1 | tee "$output" || status=$?

log=$build/Testing/Temporary/LastTest.log
# GoogleTest prints "FILE:LINE: Skipped" for a skipped test, and then the reason.
skipped=$(awk '
  / Testing: / { sub(/.* Testing: /, ""); sub(/ *#.*/, ""); name = $0 }
  take { if ($0 != "") printf "  %s: %s\n", name, $0; take = 0 }
  /: Skipped$/ { take = 1 }' "$log")
echo
if [[ -n $skipped ]]; then
  printf 'skipped, and why:\n%s\n' "$skipped"
else
  echo "skipped: none"
fi
grep -E '^[0-9]+% tests passed' "$output" || true
exit "$status"
