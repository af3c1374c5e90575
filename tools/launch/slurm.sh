#!/usr/bin/env bash
# A training run as a SLURM job, one process per GPU. Change the lines below to your cluster, then:
#   sbatch tools/launch/slurm.sh linformer-train --config pretrain.yaml
# The program saves before the job's time is over. The job then queues itself again and resumes. A job
# that is done, has failed or was cancelled is not queued again.
#SBATCH --job-name=linformer
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=8
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -uo pipefail

if (($# == 0)); then
  echo 'error: no program is given' >&2
  echo '  fix: sbatch tools/launch/slurm.sh linformer-train --config pretrain.yaml' >&2
  exit 2
fi

# The threads of a process; run.threads in the configuration takes precedence.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-${SLURM_CPUS_PER_TASK:-1}}
# Older versions of srun take this number only from here.
export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1}

echo "job $SLURM_JOB_ID on $SLURM_JOB_NODELIST, start $((${SLURM_RESTART_COUNT:-0} + 1))"
# The processes read rank and address from SLURM's variables (docs/distributed.md).
srun --kill-on-bad-exit=1 "$@"
status=$?

# 143: the program saved and stopped, before the end of the job or at a SIGTERM. A cancelled job gets
# SIGTERM as well, but its state is no longer RUNNING.
if ((status == 143)) && [[ $(scontrol show job "$SLURM_JOB_ID") == *JobState=RUNNING* ]]; then
  echo "job $SLURM_JOB_ID saved its run and queues itself again"
  scontrol requeue "$SLURM_JOB_ID" && exit 0
fi
exit "$status"
