#!/usr/bin/env bash
# Everything that takes a GPU, on a machine that has one, in two to eight minutes: the tests that compare
# the device with the CPU, exact resuming after kill -9, speeds, and a training run to its known
# perplexity. Checks that measure no time run beside each other, speeds one after the other. Prints a
# line for each check and writes OUTPUT/gpu_check.json.
#
# usage: tools/gpu_check.sh [--bin FOLDER] [--output FOLDER] [--seconds N] [--rehearse]
#   --bin       the programs and tests (build/cuda/bin, else build/release/bin)
#   --output    results; a folder that does not exist yet, or an empty one (build/gpu-check)
#   --seconds   time for all checks (480); checks for which it does not suffice are left out
#   --rehearse  on the CPU, with tiny sizes: checks the script itself, measures nothing
#
# Exit code 0: every check was made and passed. 1: one failed or was left out. 2: wrong call.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bin=build/cuda/bin
[[ -x $bin/linformer-train ]] || bin=build/release/bin
output=build/gpu-check
seconds=480
device=cuda
precision=bf16
refuse() {
  printf 'gpu_check: %s\n  fix: %s\n' "$1" "$2" >&2
  exit 2
}
while (($# > 0)); do
  case $1 in
    --rehearse) device=cpu precision=fp32 && shift ;;
    --bin | --output | --seconds)
      (($# >= 2)) || refuse "$1 needs a value" "see the head of tools/gpu_check.sh"
      declare "${1#--}=$2" && shift 2
      ;;
    *) refuse "unknown argument $1" "see the head of tools/gpu_check.sh" ;;
  esac
done
[[ $seconds =~ ^[1-9][0-9]*$ ]] || refuse "--seconds $seconds" "give a whole number above 0"
[[ -x $bin/linformer-train ]] ||
  refuse "$bin has no linformer-train" "build first (docs/precision.md, Devices), or name the folder with --bin"
[[ ! -e $output || -z $(ls -A "$output" 2>/dev/null) ]] ||
  refuse "$output is not empty" "remove it, or choose another folder with --output"
mkdir -p "$output/records" || exit 2
bin=$(realpath "$bin")
output=$(realpath "$output")

left() { echo $((seconds - SECONDS)); }
say() { printf '%-58s %s\n' "$1" "$2"; }

# A number of the JSON in file $2.
number() { grep -o "\"$1\": *[-+.0-9eE]*" "$2" | tail -n 1 | sed 's/.*: *//'; }

# The first such number of the JSON in file $2.
first_number() { grep -o "\"$1\": *[-+.0-9eE]*" "$2" | sed -n '1s/.*: *//p'; }

# record NAME OK JSON: JSON is what was measured, or nothing. Each check has a file of its own, since
# checks run beside each other.
record() {
  local passed=false
  [[ $2 == true ]] && passed=true
  printf '{"check": "%s", "passed": %s, "result": %s}' "$1" "$passed" "${3:-null}" >"$output/records/$1.json"
}

# attempt NAME LIMIT COMMAND...: the command's output goes into OUTPUT/NAME.out and .err. False if it
# fails, takes longer than LIMIT seconds, or no time is left for it.
attempt() {
  local name=$1 limit=$2
  shift 2
  local most
  most=$(left)
  if ((most < 5)); then
    say "$name" "left out: no time"
    return 1
  fi
  timeout "$((limit < most ? limit : most))" "$@" >"$output/$name.out" 2>"$output/$name.err"
  local code=$?
  ((code == 0)) && return 0
  say "$name" "failed (exit code $code): $(tail -n 1 "$output/$name.err" | cut -c1-120)"
  return 1
}

tests() {
  local program=$1 filter=$2 counts
  [[ -x $bin/$program ]] || {
    say "$program" "left out: not built"
    record "$program" false
    return
  }
  if attempt "$program" 150 "$bin/$program" --gtest_brief=1 --gtest_filter="$filter"; then
    counts=$(grep -oE '(PASSED|SKIPPED) *\] [0-9]+ test' "$output/$program.out" |
      sed -E 's/(PASSED|SKIPPED) *\] ([0-9]+) test/\1 \2/' | tr '\n' ' ')
    say "$program" "${counts,,}"
    record "$program" true "\"${counts,,}\""
  else
    record "$program" false
  fi
}

# The same values of every weight and moment after 40 steps, with and without a kill -9.
resuming() {
  local name=resuming settings whole=$output/whole killed=$output/killed pid
  settings=(--config configs/pretrain/sample.yaml --set "tokenizer.model=$output/data/tokenizer.model"
    --set "data.train=[$output/data/train]" --set 'data.valid=[]' --set evaluation.every=0
    --set "run.device=$device" --set "training.precision=$precision" --set training.max_steps=40
    --set checkpoint.every=20 --set model.hidden_dropout_prob=0.1
    --set model.attention_probs_dropout_prob=0.1 --set training.schedule.warmup_steps=5)
  attempt "$name-whole" 90 "$bin/linformer-train" "${settings[@]}" --set "run.dir=$whole" ||
    { record "$name" false && return; }
  "$bin/linformer-train" "${settings[@]}" --set "run.dir=$killed" >/dev/null 2>&1 &
  pid=$!
  for ((i = 0; i < 600; ++i)); do
    [[ -e $killed/checkpoints/step-00000020/MANIFEST.json ]] && break
    sleep 0.1
  done
  kill -9 "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  rm -rf "$killed/checkpoints/step-00000040" # where the kill came too late
  attempt "$name-resumed" 90 "$bin/linformer-train" "${settings[@]}" --set "run.dir=$killed" ||
    { record "$name" false && return; }
  local file same=true
  for file in model.safetensors training/optimizer.safetensors; do
    cmp -s "$whole/checkpoints/step-00000040/$file" "$killed/checkpoints/step-00000040/$file" ||
      same=false
  done
  say "resuming after kill -9, with dropout" "$([[ $same == true ]] && echo 'bit-identical' || echo 'DIFFERENT')"
  record "$name" "$same"
}

# The same run with the step as one graph: its losses, and its speed beside that without.
step_graph() {
  local name=step-graph graph settings
  settings=(--config configs/pretrain/sample.yaml --set "tokenizer.model=$output/data/tokenizer.model"
    --set "data.train=[$output/data/train]" --set 'data.valid=[]' --set evaluation.every=0
    --set "run.device=$device" --set "training.precision=$precision" --set training.max_steps=60
    --set checkpoint.every=0 --set logging.every=10 --set training.schedule.warmup_steps=5
    --set model.hidden_dropout_prob=0.1 --set model.attention_probs_dropout_prob=0.1)
  for graph in false true; do
    attempt "$name-$graph" 90 "$bin/linformer-train" "${settings[@]}" --set "training.step_graph=$graph" \
      --set "run.dir=$output/$name-$graph" || { record "$name" false && return; }
  done
  local without with speeds good
  without=$(number loss <(tail -n 1 "$output/$name-false/log.jsonl"))
  with=$(number loss <(tail -n 1 "$output/$name-true/log.jsonl"))
  speeds=$(number tokens_per_second <(tail -n 1 "$output/$name-false/log.jsonl"))
  speeds+=", $(number tokens_per_second <(tail -n 1 "$output/$name-true/log.jsonl"))"
  good=$(awk -v a="$without" -v b="$with" 'BEGIN { d = a / b - 1; print (d * d < 1e-4) ? "true" : "false" }')
  grep -qE ': ([0-9]+) of \1 micro-batches ran as a graph' "$output/$name-true.err" || good=false
  say "losses without and with a graph of the step" "$without, $with (tokens/s: $speeds)"
  record "$name" "$good" "{\"losses\": [$without, $with], \"tokens_per_second\": [$speeds]}"
}

# Two processes on one device (Gloo, through the CPU's memory), with moments in each and divided. On
# two devices NCCL is checked as well.
two_processes() {
  local name devices=1 backends=(gloo) backend sharded
  [[ $device == cuda ]] && devices=$(nvidia-smi --list-gpus | wc -l)
  ((devices > 1)) && backends+=(nccl)
  for backend in "${backends[@]}"; do
    name=two-processes-$backend
    local runs=()
    for sharded in false true; do
      runs+=("$output/$name-$sharded")
      attempt "$name-$sharded" 60 "$bin/linformer-launch" --nproc-per-node 2 -- "$bin/linformer-train" \
        --config configs/pretrain/sample.yaml --set "tokenizer.model=$output/data/tokenizer.model" \
        --set "data.train=[$output/data/train]" --set 'data.valid=[]' --set evaluation.every=0 \
        --set "run.device=$device" --set "training.precision=$precision" --set training.max_steps=20 \
        --set training.micro_batch_size=4 --set training.schedule.warmup_steps=5 \
        --set "distributed.backend=$backend" --set "distributed.shard_optimizer=$sharded" \
        --set "run.dir=$output/$name-$sharded" || { record "$name" false && return; }
    done
    local same=true
    cmp -s "${runs[0]}/checkpoints/step-00000020/model.safetensors" \
      "${runs[1]}/checkpoints/step-00000020/model.safetensors" || same=false
    say "two processes, $backend: whole and divided optimizer" \
      "$([[ $same == true ]] && echo 'bit-identical' || echo 'DIFFERENT')"
    record "$name" "$same"
  done
}

# speed LABEL ARGUMENT...: a training step.
speed() {
  local name=$1
  shift
  if attempt "speed-$name" 60 "$bin/linformer-bench" step --device "$device" --precision "$precision" --json "$@"; then
    say "speed, $name" "$(printf '%.0f tokens/s, MFU %.0f %%, %.2f GiB' \
      "$(number tokens_per_second "$output/speed-$name.out")" \
      "$(number mfu "$output/speed-$name.out" | awk '{ print 100 * $1 }')" \
      "$(number peak_tensor_bytes "$output/speed-$name.out" | awk '{ print $1 / 1073741824 }')")"
    local good=true
    if [[ $name == *-step-graph ]] && ! grep -q '"step_graph": true' "$output/speed-$name.out"; then
      good=false
      say "speed, $name" "no graph: $(tail -n 1 "$output/speed-$name.err" | cut -c1-120)"
    fi
    record "speed-$name" "$good" "$(cat "$output/speed-$name.out")"
  else
    record "speed-$name" false
  fi
}

speeds() {
  local -a small=(--model small --steps 20) base=(--model base --steps 10) lengths=("4096 8" "16384 2")
  local -A batch=([small]=128 [base]=64)
  if [[ $device == cpu ]]; then
    small=(--model small --steps 1) base=(--model small --steps 1) lengths=("256 2" "512 1")
    batch=([small]=1 [base]=1)
  fi
  local model type rate pair graph
  for model in small base; do
    local -n shape=$model
    for type in linformer standard; do
      for rate in 0.0 0.1; do
        for graph in "" --step-graph; do
          speed "$model-$type-dropout-$rate${graph#-}" "${shape[@]}" $graph --batch-size "${batch[$model]}" \
            --set vocab_size=16000 "attention.type=$type" "hidden_dropout_prob=$rate" "attention_probs_dropout_prob=$rate"
        done
      done
    done
  done
  for type in linformer standard; do
    for pair in "${lengths[@]}"; do
      speed "base-$type-n${pair% *}" "${base[@]}" --batch-size "${pair#* }" --set vocab_size=16000 \
        "max_sequence_length=${pair% *}" "attention.type=$type" hidden_dropout_prob=0 \
        attention_probs_dropout_prob=0
    done
  done
}

# The quick start's corpus, tokenizer and shards.
sample_data() {
  local data=$output/data part
  "$bin/linformer-data" sample --output "$data" &&
    "$bin/linformer-data" tokenizer --input "$data/train.txt" --vocab-size 4000 --output "$data/tokenizer.model" &&
    for part in train valid; do
      "$bin/linformer-data" prepare --input "$data/$part.txt" --tokenizer "$data/tokenizer.model" \
        --output "$data/$part" || return 1
    done
}

# The quick start's model: its perplexity on the CPU is 10.34 (README.md).
sample_run() {
  local known=10.34 steps=1200 run=$output/sample
  [[ $device == cpu ]] && steps=20
  attempt sample 150 "$bin/linformer-train" --config configs/pretrain/sample.yaml \
    --set "run.dir=$run" --set "run.device=$device" --set "training.precision=$precision" \
    --set "tokenizer.model=$output/data/tokenizer.model" --set "data.train=[$output/data/train]" \
    --set "data.valid=[$output/data/valid]" --set "training.max_steps=$steps" \
    --set "training.schedule.warmup_steps=$((steps / 12))" || { record sample false && return; }
  local where
  for where in cpu "$device"; do
    attempt "perplexity-$where" 60 "$bin/linformer-eval" perplexity --checkpoint "$run" \
      --data "$output/data/valid.txt" --device "$where" --json || { record sample false && return; }
  done
  local ours cpu good
  ours=$(number perplexity "$output/perplexity-$device.out")
  cpu=$(number perplexity "$output/perplexity-cpu.out")
  good=$(awk -v a="$ours" -v b="$cpu" -v k="$known" -v r="$device" \
    'function off(x, y) { return x > y ? x / y - 1 : 1 - x / y }
     BEGIN { print (off(a, b) < 1e-4 && (r == "cpu" || off(a, k) < 0.05)) ? "true" : "false" }')
  say "sample corpus: perplexity (known: $known), on the CPU" "$ours, $cpu"
  record sample "$good" "{\"perplexity\": $ours, \"perplexity_on_cpu\": $cpu, \"known\": $known}"
  fine_tuning "$run"
  prediction "$run"
}

fine_tuning() {
  local name=fine-tuning
  if attempt "$name" 90 "$bin/linformer-finetune" --model "$1" --output "$output/classifier" \
    --set "run.device=$device" --set "training.precision=$precision" --set task.name=topic \
    --set "task.train=[$output/data/labelled-train.tsv]" --set "task.valid=[$output/data/labelled-valid.tsv]" \
    --set task.text_column=text --set task.label_column=topic --set finetune.epochs=1 \
    --set training.learning_rate=5.0e-4 --set training.global_batch_size=32 \
    --set training.micro_batch_size=32; then
    say "$name" "$(tail -n 1 "$output/$name.out" | cut -c1-80)"
    record "$name" true
    labelled_rows "$output/classifier"
  else
    record "$name" false
  fi
}

# Measures of rows on the device are those on the CPU, up to rounding: the share of right labels, and
# the loss on the questions about the sample corpus.
labelled_rows() {
  local name key where ours cpu good
  for name in task recall; do
    local command=(recall --checkpoint "$output/sample" --questions 500)
    key=mean_nll
    if [[ $name == task ]]; then
      command=(task --checkpoint "$1" --input "$output/data/labelled-valid.tsv" --label-column topic)
      key=accuracy
    fi
    for where in cpu "$device"; do
      attempt "$name-$where" 90 "$bin/linformer-eval" "${command[@]}" --device "$where" --json ||
        { record "$name" false && continue 2; }
    done
    ours=$(first_number "$key" "$output/$name-$device.out")
    cpu=$(first_number "$key" "$output/$name-cpu.out")
    good=$(awk -v a="$ours" -v b="$cpu" 'BEGIN { d = a - b; print (a > 0 && d * d < 2.5e-5) ? "true" : "false" }')
    say "linformer-eval $name: $key, on the CPU" "$ours, $cpu"
    record "$name" "$good" "[$ours, $cpu]"
  done
}

best_word() { grep -oE '"token": *"[^"]*"' "$1" | sed -n '1s/.*: *//p'; }

# Guesses on the device are those on the CPU.
prediction() {
  local name=prediction where text
  text=$(head -n 1 "$output/data/valid.txt" | cut -d ' ' -f 1-12)
  for where in cpu "$device"; do
    attempt "$name-$where" 60 "$bin/linformer-predict" fill-mask --checkpoint "$1" --device "$where" \
      --text "${text% *} <mask>" --json || { record "$name" false && return; }
  done
  local same=true
  [[ $(best_word "$output/$name-cpu.out") == "$(best_word "$output/$name-$device.out")" ]] || same=false
  say "$name: the same best word as on the CPU" "$(best_word "$output/$name-$device.out"), $same"
  record "$name" "$same"
}

if [[ $device == cuda ]]; then
  gpu=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null | sed -n 1p)
  [[ -n $gpu ]] || refuse "nvidia-smi names no GPU" "run this on a machine with one, or add --rehearse"
  device_tests='*'
else
  gpu="none (a rehearsal on the CPU)"
  device_tests='*Implementations*'
fi
# The programs are children of timeout, which passes a signal on to them.
stop_all() {
  trap - INT TERM HUP
  local job
  for job in $(jobs -p); do
    pkill -TERM -P "$job" 2>/dev/null # the programs that a check waits for
    kill -TERM "$job" 2>/dev/null
  done
  wait
  exit 130
}
trap stop_all INT TERM HUP
say "GPU" "$gpu"
# Beside each other they share the cores.
cores=$(nproc)
export OMP_NUM_THREADS=$((cores > 4 ? cores / 4 : 1))
tests test_kernels "$device_tests" &
tests test_nn "$([[ $device == cuda ]] && echo '*' || echo 'ForwardRows*')" &
tests test_train 'StepPrecision*:*StepGraph*' &
if attempt data 60 bash -c "$(declare -f sample_data); bin='$bin' output='$output'; sample_data"; then
  record data true
  resuming &
  two_processes &
  sample_run &
  wait
  unset OMP_NUM_THREADS
  step_graph
else
  record data false
  wait
  unset OMP_NUM_THREADS
fi
speeds

{
  printf '{"gpu": "%s", "version": "%s", "precision": "%s", "seconds": %s, "checks": [\n' "$gpu" \
    "$("$bin/linformer-train" --version | tail -n 1)" "$precision" "$SECONDS"
  separator=
  for file in "$output"/records/*.json; do
    printf '%s%s' "$separator" "$(<"$file")"
    separator=$',\n'
  done
  printf '\n]}\n'
} >"$output/gpu_check.json"
say "results" "$output/gpu_check.json"
failed=$(cd "$output/records" && grep -l '"passed": false' -- *.json | sed 's/\.json$//' | tr '\n' ' ')
# A check that ended before its verdict has left no record.
for check in test_kernels test_nn test_train data resuming step-graph two-processes-gloo sample fine-tuning task recall prediction; do
  [[ -e $output/records/$check.json ]] || failed+="$check (no verdict) "
done
if [[ -n $failed ]]; then
  say "not passed" "$failed"
  exit 1
fi
say "all passed" "$SECONDS s"
