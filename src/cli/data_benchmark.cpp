#include "data_benchmark.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "data_shard_set.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/scratch_folder.h"
#include "linformer/core/stop_signal.h"
#include "linformer/text/document_reader.h"

namespace linformer {

namespace {

constexpr int kRounds = 5;

/// The first `bytes` of text, as documents between blank lines: the input of both measurements.
std::string beginning_of(const CorpusOptions& options, uint64_t bytes) {
  std::string text;
  for (const std::string& path : options.inputs) {
    DocumentReader reader(path, options.layout);
    while (text.size() < bytes) {
      const auto document = reader.next();
      if (!document) break;
      uint64_t num_invalid = 0;
      append_document_text(*document, reader.layout(), path, options.bad_lines, text, num_invalid);
      text += "\n\n";
    }
  }
  return text;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

void run_encode_benchmark(const CorpusOptions& options, const Tokenizer& tokenizer,
                          double megabytes, bool json) {
  if (!(megabytes > 0.0 && megabytes <= 4000.0)) {
    fail_usage("--benchmark-mb", format_number(megabytes) + " is out of range",
               "choose more than 0 and at most 4000, for example 8");
  }
  const ScratchFolder folder("benchmark");
  const std::string text = beginning_of(options, static_cast<uint64_t>(megabytes * 1e6));
  write_file_atomically(folder.file("text.txt"), text);
  std::vector<std::string_view> sentences;
  split_sentences(text, options.line_ends, sentences);
  CorpusOptions prepare = options;
  prepare.inputs = {folder.file("text.txt")};
  prepare.layout = TextLayout::kBlankLines;

  const double size = static_cast<double>(text.size()) / 1e6;
  std::vector<double> encoder, whole;
  std::vector<int32_t> ids;
  for (int round = 0; round < kRounds && stop_signal() == 0; ++round) {
    ids.clear();
    auto start = std::chrono::steady_clock::now();
    for (const std::string_view sentence : sentences) tokenizer.encode_unit({sentence}, ids);
    encoder.push_back(size / seconds_since(start));

    start = std::chrono::steady_clock::now();
    ShardSetWriter writer(folder.file("round-" + std::to_string(round)),
                          {tokenizer.vocab_size(), tokenizer.hash(), 1}, {},
                          ExistingShards::kKeepEqual, 0);
    try {
      encode_corpus(prepare, tokenizer, writer);
    } catch (const Stopped&) {
      return;
    }
    whole.push_back(size / seconds_since(start));
  }
  if (whole.empty()) return;
  const double efficiency = median(whole) / (median(encoder) * options.threads);
  if (json) {
    const nlohmann::ordered_json result{{"text_bytes", text.size()},
                                        {"sentences", sentences.size()},
                                        {"tokens", ids.size()},
                                        {"threads", options.threads},
                                        {"sentencepiece_mb_per_second", encoder},
                                        {"prepare_mb_per_second", whole},
                                        {"sentencepiece_median", median(encoder)},
                                        {"prepare_median", median(whole)},
                                        {"efficiency", efficiency}};
    std::printf("%s\n", json_text(result, 2).c_str());
    return;
  }
  std::printf("text: %s, %s sentences, %s tokens; median of %zu alternating rounds\n",
              format_bytes(static_cast<double>(text.size())).c_str(),
              format_count(static_cast<int64_t>(sentences.size())).c_str(),
              format_count(static_cast<int64_t>(ids.size())).c_str(), whole.size());
  std::printf("SentencePiece, 1 thread, sentences given:  %8.2f MB/s\n", median(encoder));
  std::printf("prepare, %d threads, file to shards:       %8.2f MB/s\n", options.threads,
              median(whole));
  std::printf("prepare / (SentencePiece x threads):       %8.2f\n", efficiency);
}

}  // namespace linformer
