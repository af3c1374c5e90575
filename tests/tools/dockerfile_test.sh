#!/usr/bin/env bash
# Dockerfile names only what there is: files, scripts and their options, presets, components, stages.
# It was never built here, because building needs docker.
# usage: dockerfile_test.sh SOURCE_DIR
set -euo pipefail
cd "$1"

failures=0
wrong() {
  echo "Dockerfile: $1" >&2
  failures=$((failures + 1))
}
text=$(sed -e ':join' -e '/\\$/N; s/\\\n/ /; t join' -e '/^#/d' Dockerfile)

# Stages are named before they are used.
stages=()
while read -r _ image as name; do
  [[ $as == AS ]] || wrong "a stage without a name: $image"
  if [[ $image != '${BASE}' && " ${stages[*]} " != *" $image "* ]]; then wrong "no stage $image"; fi
  stages+=("$name")
done < <(grep '^FROM ' <<<"$text")
for target in cpu cuda; do
  [[ " ${stages[*]} " == *" $target "* ]] || wrong "no target $target"
done

# What is copied exists, and .dockerignore leaves it in.
while read -r _ source _; do
  if [[ $source == --from=* ]]; then
    [[ " ${stages[*]} " == *" ${source#--from=} "* ]] || wrong "no stage ${source#--from=}"
  else
    [[ -e $source ]] || wrong "no $source"
    ! grep -qx "$source" .dockerignore || wrong "$source is in .dockerignore"
  fi
done < <(grep '^COPY ' <<<"$text")

# Scripts, and the options that they know.
while read -r script options; do
  [[ -x $script ]] || wrong "no program $script"
  for option in $options; do
    grep -qE -- "^ +$option\)" "$script" || wrong "$script knows no $option"
  done
done < <(grep -oE '\./tools/[a-z_/]+\.sh( +--[a-z]+)*' <<<"$text")
for preset in $(grep -oE -- '--preset [a-z]+' <<<"$text" | cut -d ' ' -f 2 | sort -u); do
  grep -q "\"name\": \"$preset\"" CMakePresets.json || wrong "no preset $preset"
done
for component in $(sed -nE 's/.*for component in ([a-z_ ]+);.*/\1/p' <<<"$text"); do
  grep -qE "COMPONENT $component|linformer_bundle\($component " cmake/*.cmake || wrong "no component $component"
done
for option in $(grep -oE -- '-DLINFORMER_[A-Z_]+' <<<"$text" | cut -c 3- | sort -u); do
  grep -qE "(option|set)\($option " CMakeLists.txt cmake/*.cmake || wrong "CMake knows no $option"
done
# Folders of the build that the images take.
grep -q 'CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin"' cmake/LinformerOptions.cmake ||
  wrong 'programs are not in build/PRESET/bin'
grep -q '"binaryDir": "${sourceDir}/build/${presetName}"' CMakePresets.json || wrong 'builds are not in build/PRESET'
grep -q 'cuda_toolkit=$deps/cuda' tools/setup.sh || wrong 'the toolkit is not in .deps/cuda'
# The packages of the programs' libraries, found as the image for CUDA finds them.
if [[ -x ${2:-}/linformer-train ]]; then
  command=$(sed -nE 's/^RUN (ldd .*) >packages$/\1/p' <<<"$text" | sed "s|build/cuda/bin|$2|")
  packages=$(bash -c "$command")
  for package in libsentencepiece libyaml-cpp libc6; do
    grep -q "^$package" <<<"$packages" || wrong "finds no package $package among: $packages"
  done
fi

if ((failures > 0)); then exit 1; fi
echo 'all checks passed'
