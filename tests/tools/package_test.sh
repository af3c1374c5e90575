#!/usr/bin/env bash
# What a package has, and that its programs run from any folder with their own libraries alone. With
# LINFORMER_NIGHTLY, also the tar.gz and the .deb that cpack makes.
# usage: package_test.sh SOURCE_DIR BUILD_DIR
set -euo pipefail

readonly source_dir=$1 build=$2
if ! command -v patchelf >/dev/null || ! grep -q '^LINFORMER_PATCHELF:FILEPATH=/' "$build/CMakeCache.txt"; then
  echo 'skipped: patchelf was not found when the build was configured (tools/setup.sh --package)'
  exit 77
fi
if grep -q '^LINFORMER_SANITIZE:STRING=.' "$build/CMakeCache.txt"; then
  echo 'skipped: packages have no sanitizers'
  exit 77
fi
libtorch=$(realpath "$build/lib/linformer/libtorch/lib")
if [[ ! -f ${libtorch%/*}/licenses/LICENSE ]]; then
  echo "skipped: LibTorch's licences are absent (tools/setup.sh --package)"
  exit 77
fi

readonly work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "$1" >&2
  exit 1
}

# check_content FOLDER: what both kinds of package have below their prefix.
check_content() {
  local path
  for path in bin/linformer-{bench,convert,data,eval,finetune,launch,predict,report,train} \
    lib/linformer/libtorch/lib/{libtorch_cpu.so,libc10.so,libgomp.so.1} \
    share/linformer/configs/pretrain/sample.yaml share/linformer/configs/experiments/paper.yaml \
    share/linformer/tools/{fetch_data.sh,data_sources.tsv} \
    share/linformer/tools/launch/{slurm.sh,multi_node.sh} \
    share/bash-completion/completions/{linformer,linformer-train} share/zsh/site-functions/_linformer-data \
    share/man/man1/{linformer,linformer-eval}.1 \
    share/doc/linformer/{README.md,LICENSE,CITATION.cff,docs/data.md} \
    share/doc/linformer/licenses/libtorch/{LICENSE,third_party}; do
    [[ -e $1/$path ]] || fail "$1 has no $path"
  done
  path=$(find "$1" -path '*/licenses/*' -prune -o \
    \( -name '*.h' -o -name '*.a' -o -name '*.cmake' -o -name '*.py' -o -type l \) -print)
  [[ -z $path ]] || fail "no package needs $path"
}

# Libraries that a program loads from outside of the folder $2.
foreign_libraries() {
  env -i LD_TRACE_LOADED_OBJECTS=1 "$1" | sed -nE 's/.* => (.*)/\1/p' | sed -E 's/ \(0x[0-9a-f]+\)$//' |
    while read -r library; do
      library=$(realpath -m "$library")
      [[ $library == "$2"/* ]] || echo "$library"
    done
}

# ---- what the tar.gz has -------------------------------------------------------------------------

for component in runtime libtorch system_libraries; do
  cmake --install "$build" --component "$component" --prefix "$work/prefix" >"$work/log" 2>&1 ||
    fail "$(cat "$work/log")"
done
mv "$work/prefix" "$work/moved here"
readonly package=$work/moved\ here
check_content "$package"
for program in "$package"/bin/*; do
  found=$(foreign_libraries "$program" "$(realpath "$package")" |
    grep -vE '/(ld-linux[^/]*|lib(c|m|dl|rt|pthread|mvec|resolv|util)\.so[^/]*)$' || true)
  [[ -z $found ]] || fail "$program loads $found"
done
# Each library has the licence of the package that it comes from.
for library in "$package"/lib/linformer/*.so*; do
  installed=$(ldconfig -p | awk -v name="$(basename "$library")" '$1 == name && /x86-64/ && !n++ { print $NF }')
  end=$(realpath "$installed" | sed -E 's|.*/([^/]+/[^/]+)$|\1|')
  licence=$(dpkg-query --search "*/$end" | sed -n 1p | cut -d : -f 1)
  [[ -s $package/share/doc/linformer/licenses/$licence/copyright ]] || fail "no licence of $licence, for $library"
done
"$source_dir/tests/tools/use_package.sh" "$package/bin"
"$package/share/linformer/tools/fetch_data.sh" --list >"$work/list" || fail 'fetch_data.sh fails'
grep -q '^wikitext-2 ' "$work/list" || fail 'fetch_data.sh lists nothing'

# ---- the files that cpack makes ------------------------------------------------------------------

if [[ -z ${LINFORMER_NIGHTLY:-} ]]; then
  echo 'all checks passed; tar.gz and .deb were left out (LINFORMER_NIGHTLY)'
  exit 0
fi
rm -rf "$package"
(cd "$work" && cpack --config "$build/CPackConfig.cmake" -B "$work/packages") >"$work/log" 2>&1 ||
  fail "$(cat "$work/log")"
mkdir "$work/unpacked"
tar -C "$work/unpacked" -xzf "$work"/packages/*.tar.gz
check_content "$(echo "$work"/unpacked/linformer-*)"
"$source_dir/tests/tools/use_package.sh" "$(echo "$work"/unpacked/linformer-*)/bin"

readonly deb=$(echo "$work"/packages/*.deb)
depends=$(dpkg-deb --field "$deb" Depends)
for name in libc6 libstdc++6 libsentencepiece libyaml-cpp libspdlog libzip libpcre2 libxxhash libzstd; do
  [[ $depends == *"$name"* ]] || fail "the .deb does not depend on $name: $depends"
done
[[ $depends != *torch* && $depends != *libgomp* ]] || fail "the .deb depends on what it brings: $depends"
dpkg-deb --extract "$deb" "$work/extracted"
check_content "$work/extracted/usr"
[[ -z $(find "$work/extracted/usr/lib/linformer" -maxdepth 1 -type f) ]] || fail 'the .deb brings libraries of the system'
"$source_dir/tests/tools/use_package.sh" "$work/extracted/usr/bin"
echo 'all checks passed'
