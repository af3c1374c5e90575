#!/usr/bin/env bash
# tools/launch with stubs of srun, scontrol and ssh that start their tasks on this machine.
# usage: launch_test.sh SOURCE_DIR PROGRAMS_DIR
set -euo pipefail

readonly launch=$1/tools/launch programs=$2
readonly work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export PATH=$work/stubs:$programs:$PATH OMP_NUM_THREADS=1
for name in $(compgen -e | grep -E '^(SLURM|SRUN|OMPI)_|^(RANK|WORLD_SIZE|LOCAL_RANK|MASTER_ADDR)$' || true); do
  unset "$name"
done

failures=0
wrong() {
  printf '%s: line %s: %s\n--- output\n%s\n' "$0" "${BASH_LINENO[1]}" "$1" "$(cat log 2>/dev/null)" >&2
  failures=$((failures + 1))
}
# run STATUS COMMAND...
run() {
  local expected=$1 status=0
  shift
  "$@" >log 2>&1 || status=$?
  [[ $status == "$expected" ]] || wrong "exit code $status of: $*"
}
says() { grep -qE -- "$1" log || wrong "says not: $1"; }
says_not() { ! grep -qE -- "$1" log || wrong "says: $1"; }

# ---- data and a model that trains in a second ----------------------------------------------------

{
  linformer-data sample --output sample --megabytes 0.2
  linformer-data tokenizer --input sample/train.txt --vocab-size 400 --output tokenizer.model
  for part in train valid; do
    linformer-data prepare --input "sample/$part.txt" --tokenizer tokenizer.model --output "$part"
  done
} >log 2>&1 || { wrong 'no data' && exit 1; }
cat >pretrain.yaml <<'TEXT'
tokenizer: {model: tokenizer.model}
data: {train: [train], valid: [valid]}
model:
  {hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32,
   max_sequence_length: 32, attention: {projected_length: 8}}
training:
  {precision: fp32, max_steps: 8, global_batch_size: 4, micro_batch_size: 1, learning_rate: 1.0e-3,
   schedule: {type: constant}}
evaluation: {every: 8, max_sequences: 8}
TEXT
# The last held-out loss of a run, to four digits: other numbers of processes round differently.
loss() {
  grep -o '"loss": *[0-9.]*' "$1/log.jsonl" | tail -n 1 | sed 's/.*: *//' | cut -c 1-6
}
run 0 linformer-train --config pretrain.yaml --set run.dir=runs/one
readonly one_process=$(loss runs/one)
[[ -n $one_process ]] || wrong 'no loss in the log'
trained() {
  [[ $(loss "$1") == "$one_process" ]] || wrong "$1 has the loss $(loss "$1"), and one process $one_process"
}

# ---- stubs ---------------------------------------------------------------------------------------

mkdir stubs
# Two tasks: on one machine, or with --nodes=2 one on each of two.
cat >stubs/srun <<'TEXT'
#!/bin/bash
echo "srun $*" >>"$STUBS_LOG"
nodes=1
while [[ $1 == --* ]]; do
  [[ $1 != --nodes=* ]] || nodes=${1#--nodes=}
  [[ $1 != --chdir=* ]] || cd "${1#--chdir=}" || exit 1
  shift
done
export SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=2 SLURM_STEP_NODELIST=localhost
pids=()
for task in 0 1; do
  if ((nodes == 2)); then
    export SLURM_STEP_TASKS_PER_NODE='1(x2)' SLURM_NODEID=$task SLURM_LOCALID=0
  else
    export SLURM_STEP_TASKS_PER_NODE=2 SLURM_NODEID=0 SLURM_LOCALID=$task
  fi
  SLURM_PROCID=$task "$@" &
  pids+=("$!")
done
status=0
for pid in "${pids[@]}"; do wait "$pid" || status=$?; done
exit "$status"
TEXT
cat >stubs/scontrol <<'TEXT'
#!/bin/bash
echo "scontrol $*" >>"$STUBS_LOG"
case "$1 $2" in
  'show hostnames') printf 'localhost\nlocalhost\n' ;;
  'show job') echo "JobId=$3 JobName=linformer JobState=$STUBS_STATE Reason=None" ;;
esac
TEXT
cat >stubs/ssh <<'TEXT'
#!/bin/bash
echo "ssh $*" >>"$STUBS_LOG"
cd / && exec bash -c "${!#}"
TEXT
chmod +x stubs/*
export STUBS_LOG=$work/stubs.log STUBS_STATE=RUNNING
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("localhost", 0)); print(s.getsockname()[1])'
}
called() { grep -qF -- "$1" "$STUBS_LOG" || wrong "not called: $1; calls: $(cat "$STUBS_LOG")"; }
not_called() { ! grep -qF -- "$1" "$STUBS_LOG" || wrong "called: $1"; }

# ---- slurm.sh ------------------------------------------------------------------------------------

job() {
  : >"$STUBS_LOG"
  run "$1" env SLURM_JOB_ID=4711 SLURM_JOB_NODELIST=localhost SLURM_CPUS_PER_TASK=1 \
    MASTER_PORT="$(free_port)" bash "$launch/slurm.sh" "${@:2}"
}
job 0 linformer-train --config pretrain.yaml --set run.dir=runs/slurm
trained runs/slurm
says 'job 4711 on localhost, start 1'
called 'srun --kill-on-bad-exit=1 linformer-train'
not_called requeue
run 2 bash "$launch/slurm.sh" && says 'no program is given'

# What a program that saved in time ends with queues the job again, unless it was cancelled.
job 0 bash -c 'exit 143' && called 'scontrol requeue 4711' && says 'queues itself again'
STUBS_STATE=CANCELLED job 143 bash -c 'exit 143' && not_called requeue
job 1 bash -c 'exit 1' && not_called requeue
job 2 linformer-train --config nowhere.yaml && not_called requeue

# The program itself ends so when it gets SIGTERM, and the next start resumes.
# shellcheck disable=SC2016
job 0 bash -c 'linformer-train "$@" &
  if [[ $SLURM_PROCID == 0 ]]; then
    until grep -q step runs/again/log.jsonl 2>/dev/null; do kill -0 $! && sleep 0.1 || exit 1; done
    kill -TERM $!
  fi
  wait $!' task --config pretrain.yaml --set run.dir=runs/again training.max_steps=100000 logging.every=1
says 'saved in runs/again'
called 'scontrol requeue 4711'
job 0 linformer-train --config pretrain.yaml --set run.dir=runs/again training.max_hours=0.0001 \
  training.max_steps=100000 logging.every=1
says 'resum'

# ---- multi_node.sh -------------------------------------------------------------------------------

multi() {
  : >"$STUBS_LOG"
  run "$1" "$launch/multi_node.sh" "${@:2}"
}
multi 0 --help && says '^usage: '
multi 2 --nodes 2 -- linformer-train && says '--nodes is no option'
multi 2 --hosts a,b && says 'no program is given'
multi 2 --hosts -- linformer-train && says '--hosts needs a value'
multi 2 --hosts a --nproc-per-node two -- linformer-train && says 'no whole number'
multi 2 --hosts a --port 70000 -- linformer-train && says 'is no port'
multi 2 -- linformer-train && says 'no SLURM allocation'

export SLURM_JOB_ID=4711 SLURM_JOB_NODELIST='node[0-1]'
multi 0 --port "$(free_port)" -- linformer-train --config pretrain.yaml --set run.dir=runs/multi
trained runs/multi
called 'scontrol show hostnames node[0-1]'
called 'srun --nodes=2 --ntasks-per-node=1'
says '2 processes'
multi 1 --port "$(free_port)" -- bash -c '[[ $RANK == 0 ]] || exit 7; exec sleep 60'
says 'exit code 7'
unset SLURM_JOB_ID SLURM_JOB_NODELIST

multi 0 --hosts localhost,localhost --nproc-per-node 2 --port "$(free_port)" -- \
  linformer-train --config pretrain.yaml --set 'run.dir=runs/over ssh'
trained 'runs/over ssh'
called 'BatchMode=yes localhost'
says '4 processes'
multi 0 --hosts localhost -- linformer-train --config pretrain.yaml --set run.dir=runs/single
trained runs/single
multi 2 --hosts localhost --folder "$work/sample" -- linformer-train --config pretrain.yaml
says 'pretrain.yaml'

if ((failures > 0)); then
  echo "$failures checks failed" >&2
  exit 1
fi
echo 'all checks passed'
