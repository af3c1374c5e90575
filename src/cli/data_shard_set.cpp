#include "data_shard_set.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/stop_signal.h"

namespace linformer {

namespace {

std::string parent_of(const std::string& prefix) {
  const auto parent = std::filesystem::path(prefix).parent_path();
  return parent.empty() ? "." : parent.string();
}

bool same(const ShardSettings& a, const ShardSettings& b) {
  return a.vocab_size == b.vocab_size && a.tokenizer_hash == b.tokenizer_hash &&
         a.settings_fingerprint == b.settings_fingerprint;
}

/// Temporary files left by a killed run of this part.
void remove_leftovers(const std::string& prefix, PartOfSet part) {
  std::error_code error;
  const std::string stem = std::filesystem::path(prefix).filename().string() + "-";
  for (const auto& entry : std::filesystem::directory_iterator(parent_of(prefix), error)) {
    const std::string name = entry.path().filename().string();
    const size_t ending = name.find(".shard.tmp-");
    if (!name.starts_with(stem) || ending == name.npos || ending < stem.size()) continue;
    int64_t shard = -1;
    const char* end = name.data() + ending;
    const auto parsed = std::from_chars(name.data() + stem.size(), end, shard);
    std::error_code ignored;
    if (parsed.ptr == end && part.holds(shard)) std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace

PartOfSet parse_part(const std::string& text) {
  PartOfSet part;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, part.part);
  bool good = first.ec == std::errc() && first.ptr != end && *first.ptr == '/';
  if (good) {
    const auto second = std::from_chars(first.ptr + 1, end, part.num_parts);
    good = second.ec == std::errc() && second.ptr == end;
  }
  if (!good || part.part < 1 || part.part > part.num_parts) {
    fail_usage("--part", "'" + text + "' is not a part", "write I/N with I from 1 to N, as 2/8");
  }
  return part;
}

ShardSetWriter::ShardSetWriter(std::string prefix, const ShardSettings& settings, PartOfSet part,
                               ExistingShards existing, uint64_t total_input_bytes)
    : prefix_(std::move(prefix)),
      target_(prefix_),
      settings_(settings),
      part_(part),
      progress_("encoding", total_input_bytes) {
  const std::string staging = prefix_ + ".new";
  look_at(prefix_, existing == ExistingShards::kReplace);
  // Only shards of this part can conflict, so that parts do not wait for each other.
  const auto in_place = list_shards(prefix_);
  const bool others = std::any_of(in_place.begin(), in_place.end(), [&](const auto& shard) {
    return part_.holds(shard.first) && !whole_.contains(shard.first);
  });
  if (others) target_ = staging;
  look_at(staging, /*may_differ=*/true);
  if (!whole_.empty()) {
    log_info(format_count(static_cast<int64_t>(whole_.size())) +
             " complete shards of the same input and settings exist already");
  }
  remove_leftovers(prefix_, part_);
  remove_leftovers(staging, part_);
}

/// Notes the complete shards of this part and these settings under `prefix`. A damaged shard is
/// written again; a shard of other settings is an error unless it may differ.
void ShardSetWriter::look_at(const std::string& prefix, bool may_differ) {
  for (const auto& [index, path] : list_shards(prefix)) {
    if (!part_.holds(index)) continue;
    try {
      const ShardReader shard(path);
      if (same(shard.header().settings, settings_) && settings_.settings_fingerprint != 0) {
        shard.verify();
        whole_.emplace(index, path);
        continue;
      }
    } catch (const RunError& error) {
      log_warning(std::string(error.what()) + "\n  it will be written again");
      continue;
    }
    if (!may_differ) {
      fail_run(path, "a shard of other input, tokenizer or options exists already",
               "choose another --output, or add --overwrite to replace the whole set");
    }
  }
}

bool ShardSetWriter::wants(uint64_t shard) const {
  const auto index = static_cast<int64_t>(shard);
  return part_.holds(index) && !whole_.contains(index);
}

void ShardSetWriter::take(const EncodedDocuments& documents) {
  const auto index = static_cast<int64_t>(documents.shard);
  if (!writer_) {
    writer_ = std::make_unique<ShardWriter>(shard_path(target_, index), index, settings_);
  }
  size_t token = 0;
  size_t sentence = 0;
  for (size_t d = 0; d < documents.document_sentences.size(); ++d) {
    const size_t count = documents.document_sentences[d];
    if (sentences_.size() < count) sentences_.resize(count);
    for (size_t s = 0; s < count; ++s) {
      const auto first = documents.tokens.begin() + static_cast<ptrdiff_t>(token);
      const size_t length = documents.sentence_tokens[sentence++];
      sentences_[s].assign(first, first + static_cast<ptrdiff_t>(length));
      token += length;
    }
    writer_->append_document(std::span(sentences_.data(), count),
                             static_cast<int64_t>(documents.document_bytes[d]),
                             documents.document_invalid_utf8[d]);
  }
  counts_ += documents.counts;
}

void ShardSetWriter::end_shard(const ShardText& text) {
  const auto index = static_cast<int64_t>(text.shard);
  if (text.is_last) num_shards_ = index + 1;
  if (!part_.holds(index)) return;
  if (whole_.contains(index)) {
    ++num_kept_;
    return;
  }
  if (!writer_) {
    writer_ = std::make_unique<ShardWriter>(shard_path(target_, index), index, settings_);
  }
  if (text.is_last && index == 0 && writer_->header().num_documents == 0) {
    fail_run("--input", "no document holds any text", "look at the files and at --layout");
  }
  writer_->commit(text.is_last);
  writer_.reset();
  whole_.emplace(index, shard_path(target_, index));
  // A good moment to stop: no encoded text is lost.
  if (stop_signal() != 0 && !text.is_last) throw Stopped{};
}

void ShardSetWriter::progress(uint64_t consumed_bytes) {
  if (stop_signal() != 0) throw Stopped{};
  progress_.update(consumed_bytes, counts_.text_bytes);
}

void ShardSetWriter::publish() {
  for (const auto& [index, path] : whole_) {
    const std::string final_path = shard_path(prefix_, index);
    if (path == final_path || index >= num_shards_) continue;
    if (std::rename(path.c_str(), final_path.c_str()) != 0) {
      fail_system(final_path, "cannot move the finished shard into place", errno);
    }
  }
  for (const std::string& prefix : {prefix_, prefix_ + ".new"}) {
    for (const auto& [index, path] : list_shards(prefix)) {
      const bool surplus = index >= num_shards_ || prefix != prefix_;
      std::error_code ignored;
      if (part_.holds(index) && surplus) std::filesystem::remove(path, ignored);
    }
  }
  sync_directory(parent_of(prefix_));
}

}  // namespace linformer
