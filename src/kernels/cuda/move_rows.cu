#include <cuda_runtime.h>

#include "move_rows.h"

namespace linformer::cuda {
namespace {

constexpr int kLanes = 32;  // threads that share a row
constexpr int kRows = 8;    // rows of a block

struct Place {
  const int64_t* index;

  template <class Unit>
  __device__ void move(int64_t row, int64_t unit, int64_t units, const Unit* from, Unit* to) const {
    to[index[row] * units + unit] = from[row * units + unit];
  }
};

struct Keep {
  const bool* mask;

  template <class Unit>
  __device__ void move(int64_t row, int64_t unit, int64_t units, const Unit* from, Unit* to) const {
    to[row * units + unit] = mask[row] ? from[row * units + unit] : Unit{};
  }
};

template <class Unit, class Move>
__global__ void move_rows(RowsToMove rows, int64_t units, Move move) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kRows + threadIdx.y;
  if (row >= rows.rows) return;
  for (int64_t unit = threadIdx.x; unit < units; unit += kLanes) {
    move.move(row, unit, units, static_cast<const Unit*>(rows.from), static_cast<Unit*>(rows.to));
  }
}

template <class Unit, class Move>
bool launch_in_units(const RowsToMove& rows, const Move& move, cudaStream_t stream) {
  constexpr int64_t kBytes = sizeof(Unit);
  const auto fits = [](const void* pointer) {
    return reinterpret_cast<uintptr_t>(pointer) % kBytes == 0;
  };
  if (rows.width % kBytes != 0 || !fits(rows.from) || !fits(rows.to)) return false;
  const auto blocks = static_cast<unsigned>((rows.rows + kRows - 1) / kRows);
  move_rows<Unit><<<blocks, dim3(kLanes, kRows), 0, stream>>>(rows, rows.width / kBytes, move);
  return true;
}

template <class Move>
int launch(const RowsToMove& rows, const Move& move, void* stream) {
  if (rows.rows * rows.width == 0) return 0;
  auto* const queue = static_cast<cudaStream_t>(stream);
  // The widest units that divide a row.
  launch_in_units<uint4>(rows, move, queue) || launch_in_units<uint2>(rows, move, queue) ||
      launch_in_units<uint32_t>(rows, move, queue) ||
      launch_in_units<uint16_t>(rows, move, queue) || launch_in_units<uint8_t>(rows, move, queue);
  return static_cast<int>(cudaGetLastError());
}

}  // namespace

int place_rows(const RowsToMove& rows, const int64_t* index, void* stream) {
  return launch(rows, Place{index}, stream);
}

int keep_rows(const RowsToMove& rows, const bool* mask, void* stream) {
  return launch(rows, Keep{mask}, stream);
}

}  // namespace linformer::cuda
