#!/usr/bin/env bash
# Starts a program on several machines: one linformer-launch on each, over srun or ssh; see --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tools/launch/multi_node.sh [option...] [--hosts HOST,...] -- PROGRAM ARGUMENT...

Starts linformer-launch on every machine. It starts the processes there.
  tools/launch/multi_node.sh --hosts node0,node1 --nproc-per-node 8 -- linformer-train --config pretrain.yaml
Inside a SLURM allocation (salloc, sbatch) leave out --hosts: srun starts one linformer-launch on each
machine of the allocation. With --hosts, ssh does, without a password.

  --hosts HOST,...      the machines; the first one is that of rank 0
  --nproc-per-node N    processes on each machine (default: 1)
  --port P              where rank 0 listens (default: 29500)
  --folder DIR          folder on each machine in which the program starts (default: the current one)
  -h, --help            shows this text
Every machine needs the programs on its PATH, the data and the tokenizer. Ctrl-C and SIGTERM reach all
processes, which save and stop. The exit code is the first one that is not 0.
TEXT
}
fail() {
  printf 'error: %s\n  fix: %s\n' "$1" "$2" >&2
  exit 2
}

hosts=() processes=1 port=29500 folder=$PWD
while (($# > 0)) && [[ $1 != -- ]]; do
  case "$1" in
    -h | --help) usage && exit 0 ;;
    --hosts | --nproc-per-node | --port | --folder)
      (($# > 1)) && [[ -n $2 && $2 != -- ]] || fail "$1 needs a value" 'multi_node.sh --help shows how'
      ;;
    *) fail "$1 is no option" 'write -- before the program; multi_node.sh --help lists the options' ;;
  esac
  case "$1" in
    --hosts) IFS=, read -r -a hosts <<<"$2" ;;
    --nproc-per-node) processes=$2 ;;
    --port) port=$2 ;;
    --folder) folder=$2 ;;
  esac
  shift 2
done
(($# > 1)) || fail 'no program is given' 'name it after --, e.g. -- linformer-train --config pretrain.yaml'
shift
[[ $processes =~ ^[1-9][0-9]*$ ]] || fail "--nproc-per-node $processes is no whole number" 'give 1 or more'
[[ $port =~ ^[1-9][0-9]*$ && $port -lt 65536 ]] || fail "--port $port is no port" 'give 1 to 65535'

over=ssh
if ((${#hosts[@]} == 0)); then
  [[ -n ${SLURM_JOB_ID:-} ]] || fail 'no machines are named, and this is no SLURM allocation' \
    'name them with --hosts, or call salloc or sbatch first'
  over=srun
  mapfile -t hosts < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
fi

# The same on each machine, so that processes of another run are refused.
run_id=${LINFORMER_RUN_ID:-${SLURM_JOB_ID:-$(date +%s)-$$}}
if [[ $over == srun ]]; then
  # linformer-launch numbers the processes, so SLURM's numbers of its own tasks are taken away.
  # shellcheck disable=SC2016
  exec srun --nodes="${#hosts[@]}" --ntasks-per-node=1 --kill-on-bad-exit=1 --chdir="$folder" \
    bash -c 'export LINFORMER_RUN_ID=$1
      machines=(--nnodes "$2" --node-rank "$SLURM_NODEID" --rdzv "$3")
      (($2 > 1)) || machines=()
      unset SLURM_PROCID SLURM_STEP_ID SLURM_LOCALID
      exec linformer-launch --nproc-per-node "$4" "${machines[@]}" -- "${@:5}"' \
    multi_node "$run_id" "${#hosts[@]}" "${hosts[0]}:$port" "$processes" "$@"
fi

# A terminal on each machine (-tt), so that the processes there get SIGHUP, and save, when ssh ends.
pids=()
trap 'for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done' INT TERM HUP
for rank in "${!hosts[@]}"; do
  command=(linformer-launch --nproc-per-node "$processes")
  ((${#hosts[@]} == 1)) || command+=(--nnodes "${#hosts[@]}" --node-rank "$rank" --rdzv "${hosts[0]}:$port")
  printf -v line '%q ' cd "$folder"
  printf -v rest '%q ' env "LINFORMER_RUN_ID=$run_id" "${command[@]}" -- "$@"
  ssh -tt -o BatchMode=yes "${hosts[$rank]}" "$line&& exec $rest" </dev/null &
  pids+=("$!")
done
status=0
for pid in "${pids[@]}"; do
  code=0
  wait "$pid" || code=$?
  while kill -0 "$pid" 2>/dev/null; do # a signal interrupts wait
    code=0
    wait "$pid" || code=$?
  done
  ((status != 0)) || status=$code
done
exit "$status"
