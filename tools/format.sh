#!/usr/bin/env bash
# Formats every C++ file that git knows of; --check only names those that differ (exit code 1).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly major=14 # versions of clang-format disagree; this one is in Debian 12 and Ubuntu 24.04
tool=$(command -v clang-format-$major || command -v clang-format || true)
if [[ -z $tool ]] || ! "$tool" --version | grep -q "version $major\."; then
  echo "format: clang-format $major was not found" >&2
  echo "  fix: run tools/setup.sh, or install the package clang-format-$major" >&2
  exit 2
fi
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.h' '*.cpp')
case "${1:-}" in
  "") "$tool" -i "${files[@]}" ;;
  --check) "$tool" --dry-run -Werror "${files[@]}" && echo "format: ${#files[@]} files are formatted" ;;
  *) echo "usage: tools/format.sh [--check]" >&2 && exit 2 ;;
esac
