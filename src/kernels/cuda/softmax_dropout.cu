#include <cuda_runtime.h>

#include "elements.cuh"
#include "softmax_dropout.h"
#include "warp.cuh"

namespace linformer::cuda {
namespace {

/// One query of one head.
struct Row {
  int64_t index;        // of all rows
  int64_t query;        // its position
  int64_t element;      // the first of its elements in the dropout site
  const bool* visible;  // the mask of its sequence's keys, or null
};

__device__ Row row_of(const SoftmaxDropoutArguments& a) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.y;
  if (index >= a.batch * a.heads * a.queries) return {index, 0, 0, nullptr};
  const int64_t sequence = index / (a.heads * a.queries);
  const int64_t number = index % a.queries;
  const int64_t position =
      a.positions == nullptr ? number : a.positions[sequence * a.queries + number];
  return {index, position, (index / a.queries * a.length + position) * a.keys,
          a.key_mask == nullptr ? nullptr : a.key_mask + sequence * a.keys};
}

__device__ bool sees(const SoftmaxDropoutArguments& a, const Row& row, int64_t key) {
  if (row.visible != nullptr && !row.visible[key]) return false;
  const int64_t distance = key > row.query ? key - row.query : row.query - key;
  return a.window == 0 || distance <= a.window / 2;
}

/// log sum_m exp(S_m) of a row over the keys that it sees. It is infinite if the row sees no key,
/// so that exp(S_m - log sum) is 0.
template <class T, int N>
__device__ ComputeType<T> log_sum(const SoftmaxDropoutArguments& a, const Row& row,
                                  const T* scores) {
  using C = ComputeType<T>;
  constexpr C kNone = -std::numeric_limits<C>::infinity();
  const C scale = static_cast<C>(a.scale);
  C largest = kNone;
  C sum = 0;
  for (int64_t m = threadIdx.x * N; m < a.keys; m += kWarp * N) {
    C values[N];
    read(scores + m, values);
#pragma unroll
    for (int i = 0; i < N; ++i) {
      if (!sees(a, row, m + i)) continue;
      const C score = values[i] * scale;
      if (score > largest) {
        sum = sum * exp(largest - score) + C(1);
        largest = score;
      } else {
        sum += exp(score - largest);
      }
    }
  }
  const C of_all = max_of_warp(largest);
  if (of_all == kNone) return -kNone;
  return of_all + log(sum_of_warp(largest == kNone ? C(0) : sum * exp(largest - of_all)));
}

template <class T, int N>
__global__ void forward_kernel(SoftmaxDropoutArguments a) {
  using C = ComputeType<T>;
  const Row row = row_of(a);
  if (row.index >= a.batch * a.heads * a.queries) return;
  const DropoutHash hash = a.hash.with_stored_key();
  const int64_t first = row.index * a.keys;
  T* const scores = static_cast<T*>(a.scores) + first;
  const C total = log_sum<T, N>(a, row, scores);
  const C scale = static_cast<C>(a.scale);
  const C kept = static_cast<C>(hash.scale());
  for (int64_t m = threadIdx.x * N; m < a.keys; m += kWarp * N) {
    C values[N];
    read(scores + m, values);
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const bool alive =
          sees(a, row, m + i) && hash.keeps(static_cast<uint32_t>(row.element + m + i));
      values[i] = alive ? exp(values[i] * scale - total) * kept : C(0);
    }
    write(values, scores + m);
  }
  if (threadIdx.x == 0) static_cast<C*>(a.log_sums)[row.index] = total;
}

template <class T, int N>
__global__ void backward_kernel(SoftmaxDropoutArguments a) {
  using C = ComputeType<T>;
  const Row row = row_of(a);
  if (row.index >= a.batch * a.heads * a.queries) return;
  const DropoutHash hash = a.hash.with_stored_key();
  const int64_t first = row.index * a.keys;
  T* const scores = static_cast<T*>(a.scores) + first;
  T* const upstream = static_cast<T*>(a.upstream) + first;
  const C total = static_cast<const C*>(a.log_sums)[row.index];
  const C scale = static_cast<C>(a.scale);
  const C kept = static_cast<C>(hash.scale());
  // P of a key and its dropout factor; both are zero if the key is not seen.
  const auto probability = [&](C score, int64_t key) {
    return sees(a, row, key) ? exp(score * scale - total) : C(0);
  };
  const auto factor = [&](int64_t key) {
    return hash.keeps(static_cast<uint32_t>(row.element + key)) ? kept : C(0);
  };
  C sum = 0;
  for (int64_t m = threadIdx.x * N; m < a.keys; m += kWarp * N) {
    C s[N];
    C d[N];
    read(scores + m, s);
    read(upstream + m, d);
#pragma unroll
    for (int i = 0; i < N; ++i) sum += probability(s[i], m + i) * d[i] * factor(m + i);
  }
  sum = sum_of_warp(sum);
  for (int64_t m = threadIdx.x * N; m < a.keys; m += kWarp * N) {
    C s[N];
    C d[N];
    read(scores + m, s);
    read(upstream + m, d);
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const C p = probability(s[i], m + i);
      const C f = factor(m + i);
      d[i] = p * (d[i] * f - sum) * scale;
      s[i] = p * f;
    }
    write(s, scores + m);
    write(d, upstream + m);
  }
}

template <class T, int N>
void launch(const SoftmaxDropoutArguments& a, cudaStream_t stream) {
  const dim3 grid = row_grid(a.batch * a.heads * a.queries);
  const dim3 block(kWarp, kWarps);
  if (a.upstream == nullptr) {
    forward_kernel<T, N><<<grid, block, 0, stream>>>(a);
  } else {
    backward_kernel<T, N><<<grid, block, 0, stream>>>(a);
  }
}

int launch(const SoftmaxDropoutArguments& a, void* stream) {
  if (a.batch * a.heads * a.queries * a.keys == 0) return 0;
  with_type(a.type, [&](auto* null) {
    using T = std::remove_pointer_t<decltype(null)>;
    auto* const queue = static_cast<cudaStream_t>(stream);
    takes_packs(a.keys, a.scores, a.upstream) ? launch<T, kPack>(a, queue) : launch<T, 1>(a, queue);
  });
  return static_cast<int>(cudaGetLastError());
}

}  // namespace

int softmax_dropout_forward(const SoftmaxDropoutArguments& arguments, void* stream) {
  return launch(arguments, stream);
}

int softmax_dropout_backward(const SoftmaxDropoutArguments& arguments, void* stream) {
  return launch(arguments, stream);
}

}  // namespace linformer::cuda
