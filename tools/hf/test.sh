#!/usr/bin/env bash
# Tests the Python module of exported Linformers with several versions of transformers; see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly versions=(4.48.3 4.57.6 5.24.0) # the newest of each line that docs/model.md names
readonly torch=2.13.0

usage() {
  cat <<TEXT
usage: tools/hf/test.sh [VERSION...]

Runs tests/hf with each VERSION of transformers (${versions[*]}): transformers' own ModelTesterMixin,
which comes with the source distribution of each version, and what it leaves open.

The first run downloads PyTorch $torch (CPU), transformers and its sources through pip, about 1 GB a
version, into build/hf/VERSION; later runs find them there. LINFORMER_HF_ENVIRONMENTS names another
folder. Each version takes some minutes.
TEXT
}

fail() {
  printf 'hf: %s\n  fix: %s\n' "$1" "$2" >&2
  exit 1
}

case "${1:-}" in
  -h | --help) usage && exit 0 ;;
  -*) usage >&2 && exit 2 ;;
esac

environments=${LINFORMER_HF_ENVIRONMENTS:-build/hf}
mkdir -p "$environments"
environments=$(cd "$environments" && pwd)

# The CPU build by itself: from where pip looks, else from PyTorch's own index.
install_torch() {
  "$1" -m pip install --quiet "torch==$torch+cpu" 2>/dev/null ||
    "$1" -m pip install --quiet "torch==$torch+cpu" \
      --extra-index-url https://download.pytorch.org/whl/cpu ||
    "$1" -m pip install --quiet "torch==$torch"
}

# A virtual environment with transformers $1, and beside it transformers' sources.
prepare() {
  local version=$1 folder=$environments/$1
  [[ -e $folder/ready ]] && return
  echo "hf: making $folder"
  rm -rf "$folder"
  python3 -m venv "$folder" ||
    fail "python3 cannot make virtual environments" "install the package python3-venv"
  local python=$folder/bin/python
  install_torch "$python" ||
    fail "pip found no PyTorch $torch" "see its messages above; pip needs an index that has it"
  "$python" -m pip install --quiet "transformers==$version" accelerate numpy parameterized pytest &&
    "$python" -m pip download --quiet --no-deps --no-binary=transformers \
      --dest "$folder/sources" "transformers==$version" ||
    fail "pip found no transformers $version" "see its messages above; the index needs its sources too"
  tar -xzf "$folder/sources/transformers-$version.tar.gz" -C "$folder/sources"
  # The source distribution leaves this empty file out; the suite looks for it.
  touch "$folder/sources/transformers-$version/tests/__init__.py"
  touch "$folder/ready"
}

# Models that the tests write, and the copies of the module that transformers makes of them.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# One file a process: the suite makes AutoModel know the module, which the other opens from folders.
run() {
  local folder=$environments/$1
  HF_HUB_OFFLINE=1 HF_HOME=$scratch/hf TMPDIR=$scratch PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=$folder/sources/transformers-$1 \
    "$folder/bin/python" -m pytest -q -p no:cacheprovider --no-header --tb=short -W ignore \
    --show-capture=no "$2"
}

failed=()
(($# > 0)) || set -- "${versions[@]}"
for version; do
  prepare "$version"
  for file in tests/hf/*_test.py; do
    echo "== transformers $version: $file"
    run "$version" "$file" || failed+=("$version")
  done
done
((${#failed[@]} == 0)) || fail "tests failed with transformers ${failed[*]}" "see above"
echo "hf: passed with transformers $*"
