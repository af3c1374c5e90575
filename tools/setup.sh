#!/usr/bin/env bash
# Installs everything that the build needs; see --help. Safe to run again: a second run only checks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
usage: tools/setup.sh [--tests] [--package] [--cuda]

Installs the distribution's packages that are missing (apt; Debian 12 and 13, Ubuntu 24.04) and finds
or fetches LibTorch, in this order:
  1. CMAKE_PREFIX_PATH or LIBTORCH, where they lead to a LibTorch
  2. .deps/libtorch, from an earlier run
  3. the official LibTorch archive
  4. the library inside the `torch` wheel, through pip as it is configured here
Root is needed for apt alone, and only when packages are missing.

  --tests  also what building and running the tests takes: GoogleTest, clang-format 14 (a wheel of
           PyPI where the system has none), and a few programs
  --package
           also what tools/package.sh takes: patchelf, dpkg-dev, and LibTorch's licences
  --cuda   fetch the CUDA build, and into .deps/cuda what compiling for it takes (nvcc, cuDNN and
           the other libraries, as wheels of PyPI, 3 GB). No GPU and no root are needed.
TEXT
}

readonly version=2.13.0
readonly cuda_tag=cu126
readonly deps=.deps
readonly torch_requirements=$deps/torch-requirements # of the wheel that gave LibTorch
readonly marker=.linformer-setup # inside .deps/libtorch: what it is, and the size of each library
readonly connect_seconds=10      # a closed network must not hold up the next source for long

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: %s\n  fix: %s\n' "$1" "$2" >&2
  exit 1
}

flavour=cpu
tests=
package=
for argument in "$@"; do
  case "$argument" in
    --tests) tests=1 ;;
    --package) package=1 ;;
    --cuda) flavour=cuda ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done

# ---- packages of the distribution ----------------------------------------------------------------

packages=(
  g++ cmake ninja-build ccache mold pkg-config # the build
  libsentencepiece-dev libyaml-cpp-dev libspdlog-dev libcli11-dev nlohmann-json3-dev
  libxxhash-dev libzstd-dev zlib1g-dev libzip-dev libpcre2-dev libgloo-dev
  gnuplot-nox                            # plots of reports
  ca-certificates curl unzip python3-pip # LibTorch
  zstd                                   # tools/fetch_data.sh
)
[[ -z $tests ]] || packages+=(libgtest-dev libgmock-dev git iproute2 patchelf)
[[ -z $package ]] || packages+=(patchelf dpkg-dev file)

# install_packages NAME...
install_packages() {
  command -v dpkg-query >/dev/null ||
    fail "this is not a Debian or Ubuntu" "install what README.md lists under Requirements, by hand"
  local missing=() package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then
    say "packages: all $# are installed"
    return
  fi
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "packages are missing and this is neither root nor is there sudo" \
      "as root: apt-get install --no-install-recommends ${missing[*]}"
    as_root=(sudo)
  fi
  say "packages: installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >"$apt_log" 2>&1 || {
    tail -n 20 "$apt_log" >&2
    fail "apt-get could not install them" "see the lines above; on Ubuntu: enable 'universe'"
  }
}

# ---- LibTorch ------------------------------------------------------------------------------------

is_libtorch() { [[ -f $1/share/cmake/Torch/TorchConfig.cmake && -e $1/lib/libtorch.so ]]; }

# The LibTorch that the environment names, if any.
from_environment() {
  local folder
  if [[ -n ${LIBTORCH:-} ]]; then
    is_libtorch "$LIBTORCH" || fail "LIBTORCH=$LIBTORCH holds no LibTorch" \
      "let it point to the folder that has share/cmake/Torch/TorchConfig.cmake, or unset it"
    echo "$LIBTORCH"
    return
  fi
  local IFS=:
  for folder in ${CMAKE_PREFIX_PATH:-}; do
    if is_libtorch "$folder"; then
      echo "$folder"
      return
    fi
  done
}

# "SIZE FILE" of every library in the folder $1, to find files that were truncated or removed.
library_sizes() { (cd "$1" && stat -c '%s %n' lib/*.so*); }

# A build for CUDA also serves where none was asked for, so that it is not fetched again.
is_wanted() {
  [[ $1 == "$version $flavour" || $1 == "$version cuda" ]]
}

is_complete() {
  [[ -f $1/$marker ]] && is_libtorch "$1" &&
    is_wanted "$(head -n 1 "$1/$marker")" &&
    diff -q <(tail -n +2 "$1/$marker") <(library_sizes "$1") >/dev/null
}

# Keeps only what a build needs of the unpacked LibTorch in $1, and moves it into place in one
# rename.
adopt() {
  local unpacked=$1 kept=$work/libtorch file
  is_libtorch "$unpacked" || return 1
  if [[ $flavour == cpu && -e $unpacked/lib/libtorch_cuda.so ]]; then
    say "LibTorch: that build needs CUDA; not taken (--cuda takes it)"
    return 1
  fi
  if [[ $flavour == cuda && ! -e $unpacked/lib/libtorch_cuda.so ]]; then
    say "LibTorch: that build is for the CPU; not taken"
    return 1
  fi
  mkdir "$kept" && mv "$unpacked/include" "$unpacked/lib" "$unpacked/share" "$kept/" || return 1
  for file in libtorch_python.so libjitbackend_test.so libtorchbind_test.so libbackend_with_compiler.so \
    libaoti_custom_ops.so libshm.so libshm libshm_windows; do
    rm -rf "$kept/lib/$file"
  done
  find "$kept/lib" -name '*.a' -delete
  # The archive renames its OpenMP library. With a link of the common name, a program loads only
  # this copy and not a second one of the system, whose threads would compete for the same cores.
  for file in "$kept"/lib/libgomp-*.so*; do
    if [[ -e $file && ! -e $kept/lib/libgomp.so.1 ]]; then
      ln -s "$(basename "$file")" "$kept/lib/libgomp.so.1"
    fi
  done
  [[ ! -d $unpacked/licenses ]] || mv "$unpacked/licenses" "$kept/" || return 1
  { echo "$version $flavour" && library_sizes "$kept"; } >"$kept/$marker" || return 1
  if [[ -e $deps/libtorch ]]; then mv "$deps/libtorch" "$work/replaced"; fi
  mv "$kept" "$deps/libtorch"
}

from_archive() {
  local tag=cpu
  [[ $flavour == cuda ]] && tag=$cuda_tag
  [[ $(uname -m) == x86_64 ]] || return 1 # the archives are for x86-64
  local url="https://download.pytorch.org/libtorch/$tag/libtorch-shared-with-deps-$version%2B$tag.zip"
  say "LibTorch: trying the official archive, $url"
  curl --fail --silent --show-error --location --connect-timeout "$connect_seconds" \
    --speed-limit 20000 --speed-time 60 --output "$work/archive.zip" "$url" || return 1
  unzip -q "$work/archive.zip" -d "$work/archive" || return 1
  rm "$work/archive.zip"
  adopt "$work/archive/libtorch"
}

# licences_of_wheel FOLDER: LibTorch's licence and those of the code that it contains.
licences_of_wheel() {
  unzip -q "$work"/wheel/torch-*.whl '*.dist-info/licenses/*' -d "$work/info" &&
    mkdir -p "${1%/*}" && mv "$work"/info/*.dist-info/licenses "$1" && rm -rf "$work/info"
}

# from_wheel REQUIREMENT [pip option...]
from_wheel() {
  say "LibTorch: trying the wheel, pip download $*"
  rm -rf "$work/wheel" "$work/unpacked"
  python3 -m pip download --quiet --no-deps --only-binary=:all: --timeout "$connect_seconds" \
    --retries 1 --dest "$work/wheel" "$@" >"$work/pip.log" 2>&1 || {
    grep -E '^ERROR' "$work/pip.log" | tail -n 1 | cut -c 1-300 >&2 || true
    return 1
  }
  unzip -q "$work"/wheel/torch-*.whl 'torch/include/*' 'torch/lib/*' 'torch/share/*' \
    -d "$work/unpacked" || return 1
  unzip -q -p "$work"/wheel/torch-*.whl '*.dist-info/METADATA' 2>/dev/null |
    sed -n 's/^Requires-Dist: //p' >"$work/requirements" || true
  licences_of_wheel "$work/unpacked/torch/licenses" || true # packages need them, builds do not
  rm -rf "$work/wheel"
  adopt "$work/unpacked/torch" && mv "$work/requirements" "$torch_requirements"
}

# The wheel for this Python, else that for another one: the library inside is the same.
from_wheels() {
  local other=(--python-version 3.11 --platform "manylinux_2_28_$(uname -m)")
  if [[ $flavour == cuda ]]; then
    # Three signs: == would also take 2.13.0+cpu where an index has it.
    from_wheel "torch===$version" || from_wheel "torch===$version" "${other[@]}"
    return
  fi
  from_wheel "torch==$version+cpu" ||
    from_wheel "torch==$version+cpu" "${other[@]}" ||
    from_wheel "torch==$version+cpu" --extra-index-url https://download.pytorch.org/whl/cpu ||
    from_wheel "torch==$version"
}

find_libtorch() {
  local folder
  folder=$(from_environment)
  if [[ -n $folder ]]; then
    say "LibTorch: $folder, from the environment"
    return
  fi
  if is_complete "$deps/libtorch"; then
    say "LibTorch: $deps/libtorch ($(head -n 1 "$deps/libtorch/$marker"))"
    return
  fi
  from_archive || from_wheels || fail "no source gave a LibTorch $version ($flavour)" \
    "unpack one yourself and set LIBTORCH to its folder, or configure pip for an index that has torch $version"
  say "LibTorch: put into $deps/libtorch ($(du -sh "$deps/libtorch" | cut -f 1))"
}

# Packages have to bring LibTorch's licences, which the archive lacks: those of the wheel.
find_licences() {
  local folder requirement
  folder=$(from_environment)
  folder=${folder:-$deps/libtorch}
  if [[ ! -f $folder/licenses/LICENSE ]]; then
    say "LibTorch's licences: from the wheel of torch $version"
    for requirement in "torch==$version+cpu" "torch==$version"; do
      rm -rf "$work/wheel"
      python3 -m pip download --quiet --no-deps --only-binary=:all: --timeout "$connect_seconds" \
        --retries 1 --dest "$work/wheel" "$requirement" >"$work/pip.log" 2>&1 &&
        licences_of_wheel "$folder/licenses" && break
    done
    [[ -f $folder/licenses/LICENSE ]] || fail "pip gave no torch $version, whose licences packages need" \
      "put them into $folder/licenses yourself: what the wheel has in dist-info/licenses"
  fi
  say "LibTorch's licences: $folder/licenses"
}

# ---- the CUDA toolkit ------------------------------------------------------------------------------

readonly cuda_toolkit=$deps/cuda

# from_wheel() keeps the requirements of the wheel that it took: the libraries it was built against.
cuda_requirements() {
  if [[ ! -s $torch_requirements ]]; then
    # LibTorch came from an archive or from the environment.
    python3 -m pip download --quiet --no-deps --only-binary=:all: --timeout "$connect_seconds" \
      --dest "$work/metadata" "torch===$version" >"$work/pip.log" 2>&1 || return 1
    unzip -q -p "$work"/metadata/torch-*.whl '*.dist-info/METADATA' |
      sed -n 's/^Requires-Dist: //p' >"$torch_requirements"
  fi
  grep -E '^(nvidia|cuda)-' "$torch_requirements" | sed 's/ *;.*//'
}

# ccache has a link of that name, which does not mean that there is an nvcc.
nvcc_is_installed() {
  nvcc --version >/dev/null 2>&1
}

# nvcc and the libraries of the toolkit from wheels, in the layout of an installed toolkit.
find_cuda_toolkit() {
  if nvcc_is_installed || [[ -n ${CUDACXX:-} ]]; then
    say "CUDA toolkit: ${CUDACXX:-$(command -v nvcc)}, which is installed"
    return
  fi
  if [[ -x $cuda_toolkit/bin/nvcc && -e $cuda_toolkit/.complete ]]; then
    say "CUDA toolkit: $cuda_toolkit"
    return
  fi
  local requirements release folder file link
  requirements=$(cuda_requirements) || requirements=
  release=$(sed -nE 's/^cuda-toolkit(\[.*\])?==([0-9]+\.[0-9]+).*/\2/p' <<<"$requirements" | sed -n 1p)
  [[ -n $release ]] || fail "the wheel torch $version does not say which CUDA toolkit it needs" \
    "install nvcc and cuDNN yourself, and set CUDACXX to nvcc"
  say "CUDA toolkit: release $release, from wheels"
  # nvvm and crt have to be of nvcc's own release, which its wheel does not ask for.
  # shellcheck disable=SC2086
  python3 -m pip install --quiet --only-binary=:all: --target "$work/cuda" $requirements \
    "cuda-toolkit[nvcc,cudart,nvrtc,nvtx,cccl]==$release.*" "nvidia-nvvm==$release.*" \
    "nvidia-cuda-crt==$release.*" >"$work/pip.log" 2>&1 || {
    grep -E '^ERROR' "$work/pip.log" | tail -n 1 | cut -c 1-300 >&2 || true
    fail "pip gave no CUDA toolkit $release" "install nvcc and cuDNN yourself, and set CUDACXX to nvcc"
  }
  folder=$(echo "$work"/cuda/nvidia/cu[0-9]*)
  [[ -x $folder/bin/nvcc ]] || fail "the wheels hold no nvcc" "install it yourself, and set CUDACXX to it"
  # Libraries of their own folders (cuDNN, NCCL) into the toolkit's, and links of the common names.
  for file in "$work"/cuda/nvidia/*/lib/*.so* "$work"/cuda/nvidia/*/include; do
    [[ -e $file && $file != "$folder"/* ]] || continue
    if [[ -d $file ]]; then cp -r "$file/." "$folder/include/"; else mv "$file" "$folder/lib/"; fi
  done
  for file in "$folder"/lib/*.so.*; do
    link=${file%%.so.*}.so
    [[ -e $link ]] || ln -s "$(basename "$file")" "$link"
  done
  [[ -e $folder/lib64 ]] || ln -s lib "$folder/lib64"
  touch "$folder/.complete"
  rm -rf "$cuda_toolkit" && mv "$folder" "$cuda_toolkit"
  say "CUDA toolkit: put into $cuda_toolkit ($(du -sh "$cuda_toolkit" | cut -f 1))"
}

# ---- a CUDA compiler for the tests ------------------------------------------------------------------

readonly cuda_compiler=$deps/cuda-compiler cuda_compiler_pins=tools/cuda-compiler-requirements.txt

# Without it, the test that compiles the CUDA sources is skipped.
find_cuda_compiler() {
  if [[ -x $cuda_toolkit/bin/nvcc ]] || nvcc_is_installed; then
    return
  fi
  if [[ ! -e $cuda_compiler/.complete ]]; then
    say "CUDA compiler for the tests: from wheels, pip install -r $cuda_compiler_pins"
    python3 -m pip install --quiet --no-deps --only-binary=:all: --timeout "$connect_seconds" --retries 1 \
      --target "$work/nvcc" -r "$cuda_compiler_pins" >"$work/pip.log" 2>&1 || {
      say "CUDA compiler for the tests: pip gave none, so CUDA sources are not compiled"
      return
    }
    rm -rf "$cuda_compiler" && mv "$(echo "$work"/nvcc/nvidia/cu[0-9]*)" "$cuda_compiler"
    touch "$cuda_compiler/.complete"
  fi
  say "CUDA compiler for the tests: $cuda_compiler"
}

# ---- the formatter -------------------------------------------------------------------------------

readonly format_pins=tools/format-requirements.txt

formatter_from_wheel() {
  say "formatter: trying the wheel, pip download -r $format_pins"
  python3 -m pip download --quiet --no-deps --only-binary=:all: --timeout "$connect_seconds" \
    --retries 1 --dest "$work/formatter" -r "$format_pins" >"$work/pip.log" 2>&1 || {
    grep -E '^ERROR' "$work/pip.log" | tail -n 1 | cut -c 1-300 >&2 || true
    return 1
  }
  unzip -q -j "$work"/formatter/clang_format-*.whl clang_format/data/bin/clang-format -d "$work" &&
    chmod +x "$work/clang-format" && mv "$work/clang-format" "$deps/clang-format"
}

# The same format on every system needs the same version. New distributions have it only as a wheel.
find_formatter() {
  local found
  if ! found=$(./tools/format.sh --which 2>/dev/null); then
    formatter_from_wheel ||
      install_packages "clang-format-$(sed -n 's/^clang-format==\([0-9]*\).*/\1/p' "$format_pins")"
    found=$(./tools/format.sh --which) || fail "neither an index nor the distribution gave the formatter" \
      "configure pip for an index that has what $format_pins names"
  fi
  say "formatter: $found"
}

# ---- builds of a clone that was moved ------------------------------------------------------------

# CMake refuses a build folder that was configured in another place. Its programs still run.
drop_moved_configurations() {
  local cache source
  for cache in build/*/CMakeCache.txt; do
    [[ -f $cache ]] || continue
    source=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$cache")
    [[ $source -ef . ]] && continue
    say "${cache%/*}: configured when this clone was at $source; will be configured again"
    rm -rf "$cache" "${cache%/*}/CMakeFiles" "${cache%/*}/build.ninja"
  done
}

mkdir -p "$deps"
exec 9>"$deps/.lock"
flock 9 # two set-ups at once would remove each other's download
work=$(mktemp -d "$PWD/$deps/setup.XXXXXX")
apt_log=$work/apt.log
trap 'rm -rf "$work"' EXIT
install_packages "${packages[@]}"
find_libtorch
[[ $flavour == cpu ]] || find_cuda_toolkit
[[ -z $tests ]] || find_formatter
[[ -z $tests ]] || find_cuda_compiler
[[ -z $package ]] || find_licences
drop_moved_configurations
say "done"
