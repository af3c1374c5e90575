#!/usr/bin/env bash
# Sets up, builds, checks the format and runs every test; where CI is set, warnings are errors.
# Arguments go to ctest, e.g. tools/test.sh -R Perplexity. LINFORMER_PRESET=asan chooses a build.
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

# Tests of whole programs train for a while and use every core, so tests run one after another; the
# quick ones, most of them, cost little.
echo "== tests"
status=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT
ctest --preset "$preset" --no-tests=error "$@" 2>&1 | tee "$output" || status=$?

log=$build/Testing/Temporary/LastTest.log
# A test that GoogleTest skips prints "FILE:LINE: Skipped" and then the reason.
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
