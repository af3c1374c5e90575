#!/usr/bin/env bash
# Builds the programs and packs them: a tar.gz that runs on any x86-64 Linux whose glibc is as new as
# that of this system, and a .deb for this distribution. Arguments go to CMake, e.g. -DLINFORMER_ARCH=x86-64-v4.
# usage: tools/package.sh [-DNAME=VALUE...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for argument in "$@"; do
  if [[ $argument != -D* ]]; then
    sed -n '2,4s/^# //p' tools/package.sh >&2
    exit 2
  fi
done

./tools/setup.sh --package
echo "== build"
cmake --preset release --log-level=ERROR "$@"
cmake --build --preset release

echo "== packages"
cd build/release
rm -rf packages
cpack >packages.log 2>&1 || {
  tail -n 20 packages.log >&2
  exit 1
}
rm -rf packages/_CPack_Packages
for package in packages/*.tar.gz packages/*.deb; do
  printf '%6d MB  build/release/%s\n' $(($(stat -c %s "$package") / 1000000)) "$package"
done
