#!/usr/bin/env bash
# The main workflow from nothing: sets up, builds, writes the embedded sample corpus, trains a
# tokenizer and a Linformer on it, and measures the perplexity on held-out text. If it is run again,
# it continues where it was stopped; once everything is done, it only measures.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly config=configs/pretrain/sample.yaml
readonly data=data/sample
readonly run=runs/sample
readonly vocab_size=4000
readonly bin=build/release/bin

step() { printf '\n== %s\n' "$*"; }
# The number after "KEY": in the JSON of standard input; the last one if there are several.
number() { grep -o "\"$1\": *[-+.0-9eE]*" | tail -n 1 | sed 's/.*: *//'; }

./tools/setup.sh

step "build"
[[ -f build/release/build.ninja ]] ||
  cmake --preset release --log-level=ERROR -DLINFORMER_BUILD_TESTS=OFF
cmake --build --preset release --target linformer-data linformer-train linformer-eval linformer-bench

step "sample corpus -> $data"
# The corpus is complete once its last file exists. The same seed gives the same bytes, so writing
# it twice does no harm.
"$bin/linformer-data" sample --output "$data"

step "tokenizer -> $data/tokenizer.model"
if [[ -f $data/tokenizer.model ]]; then
  echo "there already"
else
  "$bin/linformer-data" tokenizer --input "$data/train.txt" --vocab-size "$vocab_size" \
    --output "$data/tokenizer.model"
fi

for part in train valid; do
  step "token shards -> $data/$part"
  "$bin/linformer-data" prepare --input "$data/$part.txt" --tokenizer "$data/tokenizer.model" \
    --output "$data/$part"
done

step "training -> $run"
"$bin/linformer-train" --config "$config"

step "perplexity of $data/valid.txt"
result=$("$bin/linformer-eval" perplexity --checkpoint "$run" --data "$data/valid.txt" --json)

# The median of the logged speeds is robust against slow first steps and short disturbances.
speed=$(grep -o '"tokens_per_second": *[.0-9e+]*' "$run/log.jsonl" | sed 's/.*: *//' | sort -g |
  awk '{ v[NR] = $1 } END { if (NR) printf "%.0f", v[int((NR + 1) / 2)] }')
seconds=$(number elapsed_seconds <"$run/log.jsonl")

row() { printf '  %-34s %s\n' "$1" "$2"; }
printf '\n== results\n'
row "held-out perplexity" "$(printf '%.2f' "$(number perplexity <<<"$result")")"
row "of a unigram model, same positions" "$(printf '%.2f' "$(number unigram_perplexity <<<"$result")")"
row "bits per byte" "$(printf '%.3f' "$(number bits_per_byte <<<"$result")")"
row "masked tokens measured" "$(number masked_tokens <<<"$result")"
row "training" "$(printf '%.0f' "$seconds") s, $speed tokens/s (median)"
cat <<TEXT

  $run/checkpoints/latest/     the trained model, a model folder in Hugging Face's layout
  $run/log.jsonl               loss, perplexity, speed over the steps
  $run/config.yaml             the configuration with every default written out
  $data/                         text, tokenizer, token shards

next
  the text of any training step   $bin/linformer-data why --config $config --step 100
  another model on the same data  $bin/linformer-train --config $config \\
                                    --set model.attention.type=standard --set run.dir=runs/sample-standard
  the other programs              cmake --build --preset release && $bin/linformer --list
  a classifier of its passages    $bin/linformer-finetune --config configs/finetune/sample.yaml \\
                                    --model $run --output runs/sample-topic
  your own text                   README.md, "Your own text"

  The sample's language is invented: the model guesses words of that language.
  every test                      ./tools/test.sh
TEXT
