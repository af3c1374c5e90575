#!/usr/bin/env bash
# Uses programs as a new user would: help, then a small training and an evaluation. Called by
# package_test.sh and tools/nightly.sh; takes only coreutils and grep.
# usage: use_package.sh FOLDER-OF-PROGRAMS
set -euo pipefail

readonly programs=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# An environment without PATH and LD_LIBRARY_PATH: programs find everything from their own folder.
run() {
  env -i HOME="$work" OMP_NUM_THREADS=1 "$programs/$@" >"$work/log" 2>&1 || {
    echo "failed: $*" >&2
    cat "$work/log" >&2
    exit 1
  }
}

for program in "$programs"/linformer*; do
  run "$(basename "$program")" --help
  grep -qi usage "$work/log" || { echo "$program --help says: $(cat "$work/log")" >&2 && exit 1; }
done
run linformer-data sample --output sample --megabytes 0.2
run linformer-data tokenizer --input sample/train.txt --vocab-size 400 --output tokenizer.model
run linformer-data prepare --input sample/train.txt --tokenizer tokenizer.model --output train
run linformer-data prepare --input sample/valid.txt --tokenizer tokenizer.model --output valid
cat >pretrain.yaml <<'TEXT'
run: {dir: run}
tokenizer: {model: tokenizer.model}
data: {train: [train], valid: [valid]}
model:
  {hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 64,
   max_sequence_length: 64, attention: {projected_length: 16}}
training:
  {precision: fp32, max_steps: 20, global_batch_size: 4, micro_batch_size: 4, learning_rate: 1.0e-3,
   schedule: {type: constant}}
TEXT
run linformer-train --config pretrain.yaml
run linformer-eval perplexity --checkpoint run --data sample/valid.txt --json
grep -o '"perplexity": *[0-9.]*' "$work/log"
run linformer-launch --nproc-per-node 2 -- "$programs/linformer-train" --config pretrain.yaml \
  --set run.dir=two training.micro_batch_size=2
