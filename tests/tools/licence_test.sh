#!/usr/bin/env bash
# LICENSE and CITATION.cff say what the build and README say.
# usage: licence_test.sh SOURCE_DIR
set -euo pipefail
cd "$1"

failed=0
check() { # MESSAGE COMMAND...
  "${@:2}" >/dev/null || { echo "$1" >&2 && failed=1; }
}

version=$(sed -nE 's/^project\(linformer VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)
check 'CMakeLists.txt names no version' test -n "$version"
check "CITATION.cff is not about version $version" grep -qx "version: $version" CITATION.cff
check 'CITATION.cff does not name the paper' grep -q 'value: arXiv:2006.04768' CITATION.cff
check 'CITATION.cff names another licence' grep -qx 'license: BSD-3-Clause' CITATION.cff
check 'LICENSE is another licence' grep -qx 'BSD 3-Clause License' LICENSE
check 'LICENSE lacks the third clause' grep -q '^3. Neither the name' LICENSE
title=$(sed -n 's/^title: //p' CITATION.cff)
check "LICENSE names no authors of $title" grep -qF "the authors of $title" LICENSE
check "README.md is not about $title" grep -qx "# $title" README.md
for file in LICENSE CITATION.cff; do
  check "README.md has no link to $file" grep -qF "]($file)" README.md
done
exit "$failed"
