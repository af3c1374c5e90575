#!/usr/bin/env bash
# Training speed beside other programs, all in turn, as one table of ratios.
#
# usage: tools/compare/compare.sh [--model small|base] [--precision fp32|bf16] [--device cpu|cuda] [--rounds N]
#                                 [--threads N] [--peers LIST] [--compile] [--fairseq FOLDER] [--python PYTHON]
#   --threads  of the CPU; 0 = all cores (0)
#   --peers    of transformers (standard attention), lucidrains, tatp22, fairseq; separated by commas
#              (transformers,lucidrains,tatp22)
#   --compile  also each peer with torch.compile
#   --fairseq  fairseq's sources, for the peer fairseq
#   --python   one that has torch and the peers; without it, a virtual environment in build/compare with
#              the versions of tools/compare/requirements.txt (downloads 300 MB)
#   --mixed-lengths TABLE --text-column NAME --label-column NAME  instead: fine-tuning and predictions on texts
#              of mixed lengths; its other arguments are in the head of tools/compare/mixed_lengths.sh
#
# A peer that does not run is shown with its reason.
set -uo pipefail
for argument in "$@"; do
  [[ $argument == --mixed-lengths ]] && exec "$(dirname "${BASH_SOURCE[0]}")/mixed_lengths.sh" "$@"
done
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

model=small precision=fp32 device=cpu rounds=5 threads=0 peers=transformers,lucidrains,tatp22 compile=false fairseq='' python=''
refuse() {
  printf 'compare: %s\n  fix: %s\n' "$1" "$2" >&2
  exit 2
}
while (($# > 0)); do
  case $1 in
    --compile) compile=true && shift ;;
    --model | --precision | --device | --rounds | --threads | --peers | --fairseq | --python)
      (($# >= 2)) || refuse "$1 needs a value" "see the head of tools/compare/compare.sh"
      declare "${1#--}=$2" && shift 2
      ;;
    -h | --help) sed -n '2,17s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) refuse "unknown argument $1" "see the head of tools/compare/compare.sh" ;;
  esac
done
bin=build/release/bin
[[ -x $bin/linformer-bench ]] || refuse "$bin has no linformer-bench" "cmake --build --preset release"
[[ $rounds =~ ^[1-9][0-9]*$ ]] || refuse "--rounds $rounds" "give a whole number above 0"
if [[ -z $python ]]; then
  python=build/compare/bin/python
  [[ -x $python ]] || {
    python3 -m venv build/compare && "$python" -m pip install --quiet -r tools/compare/requirements.txt
  } || refuse "pip could not install the peers" "name a Python that has them with --python"
fi

results=$(mktemp -d) || exit 1
trap 'rm -rf "$results"' EXIT
number() { grep -o "\"$1\": *[-+.0-9eE]*" "$2" | tail -n 1 | sed 's/.*: *//'; }

subjects=(linformer standard)
for peer in ${peers//,/ }; do
  subjects+=("$peer")
  [[ $compile == true ]] && subjects+=("$peer+compile")
done

measure() {
  local subject=$1 out=$2
  case $subject in
    linformer | standard)
      "$bin/linformer-bench" step --model "$model" --precision "$precision" --device "$device" --steps 5 \
        --threads "$threads" --set "attention.type=$subject" --json >"$out" 2>"$out.err"
      ;;
    *)
      "$python" tools/compare/peers.py "${subject%+compile}" --model "$model" --precision "$precision" \
        --device "$device" --steps 5 --threads "$threads" $([[ $subject == *+compile ]] && echo --compile) \
        ${fairseq:+--fairseq "$fairseq"} >"$out" 2>"$out.err"
      ;;
  esac
}

for ((round = 0; round < rounds; ++round)); do
  for subject in "${subjects[@]}"; do
    [[ -e $results/$subject.failed ]] && continue
    out=$results/$subject.$round
    if measure "$subject" "$out"; then
      number tokens_per_second "$out" >>"$results/$subject.speeds"
    else
      tail -n 1 "$out.err" | cut -c1-80 >"$results/$subject.failed"
    fi
  done
done

middle() { sort -g "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
ours=$(middle "$results/linformer.speeds")
printf '\n%s, %s, %s: median of %s rounds in turn\n\n' "$model" "$precision" "$device" "$rounds"
printf '| program | tokens/s | range | ours / it |\n|---|---|---|---|\n'
for subject in "${subjects[@]}"; do
  label=$subject
  [[ $subject == linformer || $subject == standard ]] && label="ours, $subject"
  if [[ -e $results/$subject.failed ]]; then
    printf '| %s | did not run: %s | | |\n' "$label" "$(cat "$results/$subject.failed")"
    continue
  fi
  sort -g "$results/$subject.speeds" | awk -v label="$label" -v ours="$ours" '{ v[NR] = $1 } END {
    m = v[int((NR + 1) / 2)]; printf "| %s | %.0f | %.0f to %.0f | %.2f |\n", label, m, v[1], v[NR], ours / m }'
done
