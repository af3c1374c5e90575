#include "linformer/data/labelled_dataset.h"

#include <algorithm>
#include <exception>
#include <numeric>
#include <stdexcept>
#include <thread>

#include "linformer/core/checksum.h"
#include "linformer/core/random.h"
#include "linformer/data/input_rows.h"

namespace linformer {

namespace {

// The micro-batches of several prefetching threads lie in at most two windows; one is spare.
constexpr size_t kRecentWindows = 3;

/// The encoded rows of a range of examples.
struct EncodedRows {
  std::vector<InputRow> rows;
  int64_t num_truncated = 0;
  std::exception_ptr error;
};

void encode_rows(std::span<const LabelledExample> examples, const Tokenizer& tokenizer,
                 const TextLimits& limits, EncodedRows& out) {
  try {
    for (const LabelledExample& example : examples) {
      out.rows.push_back(encode_texts_within(
          tokenizer, example.a, example.b ? &*example.b : nullptr, limits, out.num_truncated));
    }
  } catch (...) {
    out.error = std::current_exception();
  }
}

/// Puts the sorted rows of a window into their places. `before` and `behind` rows belong to
/// micro-batches that an end of the epoch cuts in two; the others fill whole micro-batches. The cut
/// ones get neighbours from a random place among the sorted rows; the whole ones get a random
/// order.
std::vector<int64_t> arrange(const std::vector<int64_t>& sorted, size_t before, size_t behind,
                             size_t size, uint64_t key) {
  const size_t whole = (sorted.size() - before - behind) / size;
  RandomStream random(key);
  const size_t gap = random.below(whole + 1) * size;  // rows before those of the cut batches
  const auto rest = sorted.begin() + static_cast<std::ptrdiff_t>(gap);
  const auto place = [&](size_t i) { return rest + static_cast<std::ptrdiff_t>(i); };
  std::vector<int64_t> arranged(rest, place(before));
  if (whole > 0) {
    const KeyedPermutation order(static_cast<int64_t>(whole), key, 0);
    for (size_t i = 0; i < whole; ++i) {
      size_t first = static_cast<size_t>(order(static_cast<int64_t>(i))) * size;
      if (first >= gap) first += before + behind;
      for (size_t j = first; j < first + size; ++j) arranged.push_back(sorted[j]);
    }
  }
  arranged.insert(arranged.end(), place(before), place(before + behind));
  return arranged;
}

}  // namespace

LabelledDataset::LabelledDataset(std::span<const LabelledExample> examples,
                                 const Tokenizer& tokenizer, const LabelledDatasetOptions& options)
    : options_(options) {
  if (examples.empty()) throw std::invalid_argument("a data set without examples");
  if (options.micro_batch_size < 1 || options.window_batches < 1)
    throw std::invalid_argument("a micro-batch and a window hold at least one");
  encode(examples, tokenizer);
  StreamingChecksum checksum;
  checksum.update(ids_.data(), ids_.size() * sizeof(int32_t));
  checksum.update(ends_.data(), ends_.size() * sizeof(size_t));
  checksum.update(targets_.data(), targets_.size() * sizeof(float));
  fingerprint_ = checksum.digest();
  longest_first_.resize(targets_.size());
  std::iota(longest_first_.begin(), longest_first_.end(), int64_t{0});
  std::stable_sort(longest_first_.begin(), longest_first_.end(),
                   [&](int64_t a, int64_t b) { return length(a) > length(b); });
}

void LabelledDataset::encode(std::span<const LabelledExample> examples,
                             const Tokenizer& tokenizer) {
  const TextLimits limits{options_.max_sequence_length, options_.truncation,
                          options_.type_vocab_size};
  const size_t num_threads = std::clamp<size_t>(
      static_cast<size_t>(std::max<int64_t>(options_.threads, 1)), 1, examples.size());
  std::vector<EncodedRows> parts(num_threads);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < num_threads; ++t) {
      const size_t begin = examples.size() * t / num_threads;
      const size_t end = examples.size() * (t + 1) / num_threads;
      threads.emplace_back([&, t, begin, end] {
        encode_rows(examples.subspan(begin, end - begin), tokenizer, limits, parts[t]);
      });
    }
  }
  for (const EncodedRows& part : parts) {
    if (part.error) std::rethrow_exception(part.error);
    num_truncated_ += part.num_truncated;
    for (const InputRow& row : part.rows) {
      ids_.insert(ids_.end(), row.input_ids.begin(), row.input_ids.end());
      ends_.push_back(ids_.size());
      const auto second = std::find(row.token_type_ids.begin(), row.token_type_ids.end(), 1);
      first_lengths_.push_back(row.token_type_ids.empty()
                                   ? static_cast<int64_t>(row.input_ids.size())
                                   : second - row.token_type_ids.begin());
    }
  }
  for (const LabelledExample& example : examples) targets_.push_back(example.target);
}

std::span<const int32_t> LabelledDataset::tokens(int64_t index) const {
  const auto i = static_cast<size_t>(index);
  const size_t begin = i == 0 ? 0 : ends_[i - 1];
  return {ids_.data() + begin, ends_.at(i) - begin};
}

int64_t LabelledDataset::length(int64_t index) const {
  return static_cast<int64_t>(tokens(index).size());
}

int64_t LabelledDataset::longest() const {
  return length(longest_first_.front());
}

LabelledDataset::Window LabelledDataset::make_window(int64_t position) const {
  const int64_t size = options_.micro_batch_size;
  const int64_t width = size * options_.window_batches;
  const int64_t epoch = position / num_sequences();
  const int64_t first = position / width;
  const int64_t begin = std::max(first * width, epoch * num_sequences());
  const int64_t end = std::min((first + 1) * width, (epoch + 1) * num_sequences());
  const KeyedPermutation order(num_sequences(), options_.seed, static_cast<uint64_t>(epoch));
  Window window{begin, {}};
  for (int64_t p = begin; p < end; ++p) window.indices.push_back(order(p % num_sequences()));
  if (options_.window_batches == 1) return window;
  std::stable_sort(window.indices.begin(), window.indices.end(),
                   [&](int64_t a, int64_t b) { return length(a) < length(b); });
  const uint64_t key =
      stream_key(RandomPurpose::kLengthGroups,
                 {options_.seed, static_cast<uint64_t>(epoch), static_cast<uint64_t>(first)});
  const int64_t before = std::min((size - begin % size) % size, end - begin);
  const int64_t behind = std::max<int64_t>(0, end - begin - before) % size;
  window.indices = arrange(window.indices, static_cast<size_t>(before), static_cast<size_t>(behind),
                           static_cast<size_t>(size), key);
  return window;
}

std::shared_ptr<const LabelledDataset::Window> LabelledDataset::window_at(int64_t position) const {
  const auto holds = [position](const std::shared_ptr<const Window>& window) {
    return position >= window->begin &&
           position < window->begin + static_cast<int64_t>(window->indices.size());
  };
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(recent_.begin(), recent_.end(), holds);
    if (found != recent_.end()) {
      std::rotate(recent_.begin(), found, found + 1);
      return recent_.front();
    }
  }
  auto window = std::make_shared<const Window>(make_window(position));
  const std::lock_guard lock(mutex_);
  recent_.insert(recent_.begin(), window);
  if (recent_.size() > kRecentWindows) recent_.pop_back();
  return window;
}

SampleId LabelledDataset::sample(int64_t position) const {
  if (position < 0) throw std::out_of_range("a negative position in training");
  const std::shared_ptr<const Window> window = window_at(position);
  return {position / num_sequences(),
          window->indices[static_cast<size_t>(position - window->begin)]};
}

Batch LabelledDataset::batch(int64_t position, int64_t count) const {
  std::vector<SampleId> samples;
  for (int64_t i = 0; i < count; ++i) samples.push_back(sample(position + i));
  return make(samples);
}

int64_t LabelledDataset::num_evaluation_batches(int64_t batch_size) const {
  if (batch_size < 1) throw std::invalid_argument("a batch holds at least one row");
  return (num_sequences() + batch_size - 1) / batch_size;
}

Batch LabelledDataset::evaluation_batch(int64_t number, int64_t batch_size) const {
  if (number < 0 || number >= num_evaluation_batches(batch_size))
    throw std::out_of_range("no such evaluation batch");
  const int64_t end = std::min((number + 1) * batch_size, num_sequences());
  std::vector<SampleId> samples;
  for (int64_t i = number * batch_size; i < end; ++i)
    samples.push_back({0, longest_first_[static_cast<size_t>(i)]});
  return make(samples);
}

Batch LabelledDataset::make(std::span<const SampleId> samples) const {
  std::vector<BatchRow> rows(samples.size());
  for (size_t b = 0; b < rows.size(); ++b) {
    const std::span<const int32_t> ids = tokens(samples[b].index);
    rows[b].sequence.input_ids.assign(ids.begin(), ids.end());
    const auto first = static_cast<size_t>(first_lengths_[static_cast<size_t>(samples[b].index)]);
    if (first < ids.size()) {
      rows[b].token_type_ids.assign(ids.size(), 1);
      std::fill_n(rows[b].token_type_ids.begin(), first, 0);
    }
    rows[b].sample = samples[b];
  }
  Batch batch = make_batch(rows, options_.max_sequence_length);
  for (const SampleId& sample : samples) batch.targets.push_back(target(sample.index));
  return batch;
}

}  // namespace linformer
