#!/usr/bin/env bash
# Runs the commands of the documents as a reader would: in their order, in a new folder, on the sample
# corpus. tests/documents/commands.tsv says which are run, what makes them shorter, and what has to be
# there before them. Takes about half an hour on 2 cores.
#
# usage: tools/run_documents.sh [--list FILE] [DOCUMENT...]
# e.g. tools/run_documents.sh README.md docs/training.md; the other documents need what README.md makes
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root

list=$root/tests/documents/commands.tsv
documents=()
while (($# > 0)); do
  case $1 in
    --list) list=$(realpath "${2:?--list takes a file}") && shift 2 ;;
    --*) echo "run_documents: unknown option $1" >&2 && exit 2 ;;
    *) documents+=("$1") && shift ;;
  esac
done

work=$(mktemp -d)
readonly work
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
for name in README.md build configs docs src tests tools; do ln -s "$root/$name" .; done
export PATH=$root/build/release/bin:$PATH

wanted() {
  ((${#documents[@]} == 0)) || [[ " ${documents[*]} " == *" $1 "* ]]
}

# The numbers of the list are the lines of commands.tsv. Commands share one shell, so that `export`
# lasts, as it does for a reader.
number=0 passed=0 failed=()
while IFS=$'\t' read -r document check detail command; do
  number=$((number + 1))
  [[ $check == run || $check == prepare ]] && wanted "$document" || continue
  [[ $check == run && $detail != - ]] && command+=" $detail"
  started=$SECONDS
  if eval "$command" >"$work/.output" 2>&1 </dev/null; then
    passed=$((passed + 1))
    printf 'ok     %4d s  %s: %s\n' $((SECONDS - started)) "$document" "$command"
  else
    failed+=("line $number: $document: $command")
    printf 'FAILED %4d s  %s: %s\n' $((SECONDS - started)) "$document" "$command"
    tail -n 15 "$work/.output" | sed 's/^/    /'
  fi
done <"$list"

if ((${#failed[@]} > 0)); then
  printf '\n%s of %s commands failed, in %s:\n' ${#failed[@]} $((passed + ${#failed[@]})) "$list"
  printf '  %s\n' "${failed[@]}"
  exit 1
fi
printf '\nall %s commands of the documents ran\n' "$passed"
