#!/usr/bin/env bash
# Fine-tuning and predictions on texts of mixed lengths beside transformers' RoBERTa, all in turn, as a
# table of ratios. compare.sh --mixed-lengths calls it.
#
# usage: tools/compare/compare.sh --mixed-lengths TABLE --text-column NAME --label-column NAME [--pair-column NAME]
#                                 [--model small|base] [--precision fp32|bf16] [--device cpu|cuda] [--rounds N]
#                                 [--threads N] [--steps N] [--python PYTHON]
#   TABLE      tab-separated texts with a header, plain or .zst; a tokenizer of 8,000 words is learned from it
#   --rounds   (3)
#   --steps    of training that are timed, a multiple of 16 (64)
#
# A step of training takes 32 rows; predictions take the first 4,000 rows. Speeds of training count tokens
# without padding. The time of linformer-predict includes its start, reading and encoding; that of the
# peer does not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

table='' text='' pair='' label='' model=small precision=fp32 device=cpu rounds=3 threads=0 steps=64 python=''
refuse() {
  printf 'compare: %s\n  fix: %s\n' "$1" "$2" >&2
  exit 2
}
while (($# > 0)); do
  (($# >= 2)) || refuse "$1 needs a value" "see the head of tools/compare/mixed_lengths.sh"
  case $1 in
    --mixed-lengths) table=$2 ;;
    --text-column | --pair-column | --label-column) name=${1#--} && declare "${name%-column}=$2" ;;
    --model | --precision | --device | --rounds | --threads | --steps | --python) declare "${1#--}=$2" ;;
    *) refuse "unknown argument $1" "see the head of tools/compare/mixed_lengths.sh" ;;
  esac
  shift 2
done
[[ -r $table ]] || refuse "--mixed-lengths $table" "name a table that can be read"
[[ -n $text && -n $label ]] || refuse "a column is missing" "give --text-column and --label-column"
[[ $rounds =~ ^[1-9][0-9]*$ ]] || refuse "--rounds $rounds" "give a whole number above 0"
((steps > 0 && steps % 16 == 0)) || refuse "--steps $steps" "give a multiple of 16"
case $model in
  small) shape=(256 4 4 1024) ;;
  base) shape=(768 12 12 3072) ;;
  *) refuse "--model $model" "give small or base" ;;
esac
bin=build/release/bin
for program in data train convert finetune predict; do
  [[ -x $bin/linformer-$program ]] || refuse "$bin has no linformer-$program" "cmake --build --preset release"
done

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'printf "compare: a command of line %s failed\n" "$LINENO" >&2
  [[ -e $work/log ]] && tail -n 3 "$work/log" >&2' ERR
number() { grep -o "\"$1\": *[-+.0-9eE]*" "$2" | tail -n 1 | sed 's/.*: *//'; }

# The rows, and one text a line for the tokenizer.
readonly rows=$work/rows.tsv texts=$work/texts.txt few=$work/few.tsv some=$work/some.tsv
if [[ $table == *.zst ]]; then zstd -dcq "$table" >"$rows"; else cp "$table" "$rows"; fi
head -n 65 "$rows" >"$few"
head -n 4001 "$rows" >"$some"
awk -F '\t' -v text="$text" -v pair="$pair" '
  NR == 1 { for (i = 1; i <= NF; ++i) { if ($i == text) t = i; if ($i == pair) p = i } if (!t) exit 1; next }
  { print $t; if (p) print $p }' "$rows" >"$texts" || refuse "--text-column $text" "name a column of $table"

# Models with random weights: the speed does not depend on them.
"$bin/linformer-data" tokenizer --input "$texts" --vocab-size 8000 --output "$work/tokenizer.model" >"$work/log" 2>&1
"$bin/linformer-data" prepare --input "$texts" --tokenizer "$work/tokenizer.model" --output "$work/shards" \
  >>"$work/log" 2>&1
printf 'run: {seed: 1}\n' >"$work/pretrain.yaml"
for attention in linformer standard; do
  "$bin/linformer-train" --config "$work/pretrain.yaml" --set "run.dir=$work/$attention" --set "tokenizer.model=$work/tokenizer.model" \
    --set "data.train=[$work/shards]" --set "model.hidden_size=${shape[0]}" \
    --set "model.num_hidden_layers=${shape[1]}" --set "model.num_attention_heads=${shape[2]}" \
    --set "model.intermediate_size=${shape[3]}" --set model.max_sequence_length=512 \
    --set model.attention.projected_length=128 --set "model.attention.type=$attention" \
    --set training.max_steps=1 --set training.global_batch_size=1 --set training.micro_batch_size=1 \
    --set training.precision=fp32 >>"$work/log" 2>&1
done
"$bin/linformer-convert" export --to hf --input "$work/standard" --output "$work/hf" >>"$work/log" 2>&1

columns=(--text-column "$text" --label-column "$label" ${pair:+--pair-column "$pair"})
peer() {  # train|predict, random|grouped, file for the result
  "$python" tools/compare/mixed_lengths.py "$1" --table "$([[ $1 == train ]] && echo "$rows" || echo "$some")" \
    --tokenizer "$work/hf/tokenizer.json" --order "$2" --model "$model" --precision "$precision" \
    --device "$device" --threads "$threads" --steps "$steps" "${columns[@]}" >"$3" 2>"$3.err"
}
train() {  # linformer|standard, file for the result
  rm -rf "$work/run.$1"
  "$bin/linformer-finetune" --task mixed --model "$work/$1" --output "$work/run.$1" --set "task.train=[$rows]" \
    --set "task.valid=[$few]" --set "task.text_column=$text" --set "task.label_column=$label" \
    ${pair:+--set "task.text_pair_column=$pair"} --set "training.max_steps=$((steps + 16))" --set logging.every=16 \
    --set training.global_batch_size=32 --set training.micro_batch_size=32 --set "training.precision=$precision" \
    --set finetune.evaluations_per_epoch=0 --set evaluation.every=1000000 --set checkpoint.every=0 \
    --set "run.device=$device" --set "run.threads=$threads" >"$2.err" 2>&1 || return 1
  # Without the first 16 steps.
  awk '/"tokens_per_second"/ {
      match($0, /"tokens": *[0-9]+/); tokens = substr($0, RSTART, RLENGTH); sub(/.*: */, "", tokens)
      match($0, /"elapsed_seconds": *[0-9.]+/); seconds = substr($0, RSTART, RLENGTH); sub(/.*: */, "", seconds)
      match($0, /"step": *[0-9]+/); step = substr($0, RSTART, RLENGTH); sub(/.*: */, "", step)
      if (step == 16) { first_tokens = tokens; first_seconds = seconds }
    } END { printf "{\"tokens_per_second\": %f}\n", (tokens - first_tokens) / (seconds - first_seconds) }' \
    "$work/run.$1/log.jsonl" >"$2"
}
predict() {  # linformer|standard, file for the result
  local begin end
  begin=$(date +%s.%N)
  "$bin/linformer-predict" classify --checkpoint "$work/run.$1" --input "$some" --text-column "$text" \
    ${pair:+--pair-column "$pair"} --device "$device" --threads "$threads" >/dev/null 2>"$2.err" || return 1
  end=$(date +%s.%N)
  awk -v rows="$(($(wc -l <"$some") - 1))" -v begin="$begin" -v end="$end" \
    'BEGIN { printf "{\"examples_per_second\": %f}\n", rows / (end - begin) }' >"$2"
}

if [[ -z $python ]]; then
  python=build/compare/bin/python
  [[ -x $python ]] || {
    python3 -m venv build/compare && "$python" -m pip install --quiet -r tools/compare/requirements.txt
  } || refuse "pip could not install the peers" "name a Python that has them with --python"
fi

declare -A speed=([train]=tokens_per_second [predict]=examples_per_second)
tasks=(train)
[[ $precision == fp32 ]] && tasks+=(predict) # linformer-predict computes in fp32
for ((round = 0; round < rounds; ++round)); do
  for subject in linformer standard random grouped; do
    for task in "${tasks[@]}"; do
      out=$work/$subject.$task.$round
      case $subject in
        linformer | standard) "$task" "$subject" "$out" ;;
        *) peer "$task" "$subject" "$out" ;;
      esac || refuse "$subject, $task: $(tail -n 1 "$out.err" | cut -c1-200)" "mend that and run again"
      number "${speed[$task]}" "$out" >>"$work/$subject.$task.speeds"
    done
  done
done

middle() { sort -g "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
declare -A name=([linformer]="ours, Linformer" [standard]="ours, standard attention"
  [random]="transformers' RoBERTa, rows in any order" [grouped]="transformers' RoBERTa, rows grouped by length")
declare -A unit=([train]="training, tokens/s" [predict]="prediction, examples/s")
printf '\n%s, %s, %s, %s: median of %s rounds in turn\n' "${table##*/}" "$model" "$precision" "$device" "$rounds"
for task in "${tasks[@]}"; do
  printf '\n| program | %s | range | ours, standard attention / it | padding |\n|---|---|---|---|---|\n' "${unit[$task]}"
  ours=$(middle "$work/standard.$task.speeds")
  for subject in linformer standard random grouped; do
    padding=$(number padding_share "$work/$subject.$task.0" || true)
    sort -g "$work/$subject.$task.speeds" | awk -v name="${name[$subject]}" -v ours="$ours" -v padding="${padding:-0}" '
      { v[NR] = $1 } END { m = v[int((NR + 1) / 2)]
        printf "| %s | %.0f | %.0f to %.0f | %.2f | %.0f %% |\n", name, m, v[1], v[NR], ours / m, 100 * padding }'
  done
done
