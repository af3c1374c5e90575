#!/usr/bin/env bash
# Compiles every CUDA source, also where LibTorch has no CUDA: its headers are in every LibTorch. What
# is linked and run takes the preset cuda.
# usage: cuda_sources_test.sh SOURCE_DIR BUILD_DIR
set -euo pipefail

readonly source_dir=$1 build=$2
cd "$source_dir"
nvcc=
for candidate in .deps/cuda/bin/nvcc .deps/cuda-compiler/bin/nvcc "${CUDACXX:-}" "$(command -v nvcc || true)"; do
  # ccache has a link of that name, which does not mean that there is an nvcc.
  [[ -z $nvcc && -n $candidate ]] && "$candidate" --version >/dev/null 2>&1 && nvcc=$candidate
done
if [[ -z $nvcc ]]; then
  echo 'skipped: there is no nvcc (tools/setup.sh --tests fetches one where an index has it)'
  exit 77
fi
# The folders with headers, as nvcc itself has them.
headers=$("$nvcc" --dryrun -c none.cu 2>&1 | sed -n 's/^#\$ INCLUDES=//p' | tr -d '"' | tr ' ' '\n' | sed -n 's/^-I//p')
cccl=() system=()
for folder in $headers; do
  system+=(-isystem "$folder")
  [[ -d $folder/cccl ]] && cccl+=("-I$folder/cccl")
done
libtorch=$(realpath "$build/lib/linformer/libtorch/lib")
readonly libtorch=${libtorch%/lib}
if [[ ! -e $libtorch/include/ATen/cuda/CUDAGraph.h ]]; then
  echo "skipped: LibTorch's headers are not beside $libtorch/lib"
  exit 77
fi

readonly work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
# compile FILE COMMAND...
compile() {
  local file=$1
  shift
  "$@" "$file" >"$work/log" 2>&1 && return
  printf '%s does not compile:\n' "$file" >&2
  sed -n 1,20p "$work/log" >&2
  failed=1
}

count=0
# As LibTorch's CMake package compiles CUDA code.
for file in src/kernels/cuda/*.cu; do
  compile "$file" "$nvcc" -std=c++17 -arch=sm_90 --expt-relaxed-constexpr -Iinclude -Isrc \
    "${cccl[@]}" --ptx -o "$work/out.ptx"
  count=$((count + 1))
done
for file in src/kernels/cuda/*.cpp src/kernels/implementations.cpp; do
  compile "$file" c++ -std=c++20 -fsyntax-only -fopenmp -Wall -Wextra -Werror -Iinclude -Isrc \
    -isystem "$libtorch/include" -isystem "$libtorch/include/torch/csrc/api/include" \
    "${system[@]}" -DC10_CUDA_NO_CMAKE_CONFIGURE_FILE -DLINFORMER_WITH_CUDA
  count=$((count + 1))
done
((count > 10)) || { echo 'the CUDA sources were not found' >&2 && failed=1; }
((failed == 0)) && echo "$count CUDA sources compile"
exit "$failed"
