#!/usr/bin/env bash
# Formats every C++ file that git knows. --check only lists files that differ (exit code 1); --which
# prints the formatter and its version.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -n 's/^clang-format==//p' tools/format-requirements.txt)
readonly version
tool=
for candidate in .deps/clang-format clang-format-"${version%%.*}" clang-format; do
  command -v "$candidate" >/dev/null || continue
  if grep -qE "version ${version//./\\.}( |-|\$)" <<<"$("$candidate" --version 2>/dev/null)"; then
    tool=$candidate
    break
  fi
done
if [[ -z $tool ]]; then
  echo "format: clang-format $version was not found" >&2
  echo "  fix: run tools/setup.sh --tests" >&2
  exit 2
fi
if [[ ${1:-} == --which ]]; then
  echo "$tool ($version)"
  exit
fi
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.h' '*.cpp' '*.cu' '*.cuh')
case "${1:-}" in
  "") "$tool" -i "${files[@]}" ;;
  --check) "$tool" --dry-run -Werror "${files[@]}" && echo "format: ${#files[@]} files are formatted" ;;
  *) echo "usage: tools/format.sh [--check | --which]" >&2 && exit 2 ;;
esac
