#include "linformer/data/token_dataset.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/missing_path.h"
#include "linformer/core/random.h"

namespace linformer {

namespace {

/// "; the folder holds: data/a/train, data/a/valid", as a hint if the prefix is wrong.
std::string prefixes_nearby(const std::string& prefix) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path folder =
      fs::is_directory(prefix, error) ? fs::path(prefix) : fs::path(prefix).parent_path();
  if (folder.empty()) folder = ".";
  std::set<std::string> names;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const size_t dash = name.rfind('-');
    if (entry->path().extension() == ".shard" && dash != std::string::npos)
      names.insert((folder / name.substr(0, dash)).lexically_normal().string());
  }
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

[[noreturn]] void fail_no_shards(const std::string& prefix) {
  const std::string nearby = prefixes_nearby(prefix);
  fail_missing(prefix, "no token shards here (" + shard_path(prefix, 0) + " does not exist)",
               nearby.empty() ? "write them with `linformer-data prepare`, or name another prefix"
                              : "name one of these prefixes: " + nearby);
}

/// Refuses the files of a prefix if they are not one complete set.
void check_indices(const std::string& prefix,
                   const std::vector<std::pair<int64_t, std::string>>& shards) {
  for (size_t i = 0; i < shards.size(); ++i) {
    if (shards[i].first == static_cast<int64_t>(i)) continue;
    fail_run(shard_path(prefix, static_cast<int64_t>(i)),
             "this shard is missing, though " + shards[i].second + " exists",
             "run `linformer-data prepare` again (it writes what is missing), or copy the shard "
             "from the machine that prepared it");
  }
}

void check_same_preparation(const ShardReader& first, const ShardReader& shard, bool at_end) {
  if (shard.header().settings.settings_fingerprint !=
      first.header().settings.settings_fingerprint) {
    fail_run(shard.path(), "prepared from other text or with other options than " + first.path(),
             "remove the shards of this prefix and run `linformer-data prepare` again");
  }
  if (shard.header().is_last && !at_end) {
    fail_run(shard.path(), "marked as the last shard, but others follow it",
             "they are left over from an earlier preparation: remove the shards after it");
  }
  if (!shard.header().is_last && at_end) {
    fail_run(shard.path(),
             "the shards end here, but this one is not marked as the last: the preparation was "
             "interrupted, or a part of it is missing",
             "run `linformer-data prepare` again with the same options (it continues), or copy "
             "the shards of the other parts into one folder");
  }
}

}  // namespace

TokenDataset TokenDataset::open(const std::vector<std::string>& prefixes,
                                std::optional<uint64_t> expected_tokenizer_hash,
                                DatasetCheck check) {
  if (prefixes.empty()) {
    fail_usage("data", "no token shards are named",
               "name the prefix of at least one set of shards, such as data/wikitext2/train");
  }
  TokenDataset dataset;
  for (const std::string& prefix : prefixes) dataset.open_prefix(prefix, check);
  if (expected_tokenizer_hash && dataset.tokenizer_hash_ != *expected_tokenizer_hash) {
    fail_run(dataset.shards_.front().path(),
             "prepared with another tokenizer (xxh3 " + to_hex(dataset.tokenizer_hash_) +
                 ") than the one given (xxh3 " + to_hex(*expected_tokenizer_hash) + ")",
             "give the tokenizer.model that the shards were prepared with, or prepare the text "
             "again with this one");
  }
  if (dataset.num_tokens_ == 0) {
    fail_run(prefixes.front(), "the shards hold no tokens at all",
             "check the text that was prepared: it was empty");
  }
  dataset.fingerprint_ = mix64(dataset.fingerprint_ ^ static_cast<uint64_t>(dataset.vocab_size_)) ^
                         mix64(dataset.tokenizer_hash_);
  return dataset;
}

void TokenDataset::open_prefix(const std::string& prefix, DatasetCheck check) {
  const auto files = list_shards(prefix);
  if (files.empty()) fail_no_shards(prefix);
  check_indices(prefix, files);
  const size_t first = shards_.size();
  for (const auto& [index, path] : files) {
    ShardReader shard(path);
    if (shard.header().shard_index != index) {
      fail_run(path, "holds shard number " + std::to_string(shard.header().shard_index),
               "give the file its old name back, or prepare the data again");
    }
    check_same_preparation(index == 0 ? shard : shards_[first], shard,
                           index + 1 == static_cast<int64_t>(files.size()));
    if (check == DatasetCheck::kFull) shard.verify();
    add_shard(std::move(shard));
  }
}

void TokenDataset::add_shard(ShardReader shard) {
  const ShardHeader& header = shard.header();
  if (shards_.empty()) {
    vocab_size_ = header.settings.vocab_size;
    tokenizer_hash_ = header.settings.tokenizer_hash;
    unigram_counts_.resize(static_cast<size_t>(vocab_size_));
  }
  const std::string other = shards_.empty() ? "" : shards_.front().path();
  if (header.settings.vocab_size != vocab_size_) {
    fail_run(shard.path(),
             "a vocabulary of " + format_count(header.settings.vocab_size) + " ids, but " + other +
                 " has " + format_count(vocab_size_),
             "prepare all text with the same tokenizer");
  }
  if (header.settings.tokenizer_hash != tokenizer_hash_) {
    fail_run(shard.path(), "prepared with another tokenizer than " + other,
             "prepare all text with the same tokenizer");
  }
  text_bytes_ += header.text_bytes;
  num_invalid_utf8_ += header.num_invalid_utf8;
  fingerprint_ = mix64(fingerprint_ + header.content_checksum + 1);
  for (size_t id = 0; id < unigram_counts_.size(); ++id)
    unigram_counts_[id] += shard.unigram_counts()[id];
  Part part;
  part.narrow_ids = shard.narrow_ids();
  part.wide_ids = shard.wide_ids();
  part.sentence_offsets = shard.sentence_offsets();
  part.document_offsets = shard.document_offsets();
  add_part(part);
  shard.check();
  shards_.push_back(std::move(shard));  // moving the owner does not move mapped memory
}

void TokenDataset::add_part(Part part) {
  part.first_token = num_tokens_;
  part.first_sentence = num_sentences_;
  part.first_document = num_documents_;
  num_tokens_ += static_cast<int64_t>(part.narrow_ids.size() + part.wide_ids.size());
  num_sentences_ += static_cast<int64_t>(part.sentence_offsets.size()) - 1;
  num_documents_ += static_cast<int64_t>(part.document_offsets.size()) - 1;
  parts_.push_back(part);
}

TokenDataset TokenDataset::from_memory(
    const std::vector<std::vector<std::vector<int32_t>>>& documents, int64_t text_bytes,
    int64_t vocab_size, uint64_t tokenizer_hash) {
  TokenDataset dataset;
  dataset.vocab_size_ = vocab_size;
  dataset.tokenizer_hash_ = tokenizer_hash;
  dataset.text_bytes_ = text_bytes;
  dataset.unigram_counts_.resize(static_cast<size_t>(vocab_size));
  dataset.memory_sentences_.push_back(0);
  dataset.memory_documents_.push_back(0);
  for (const auto& document : documents) {
    for (const auto& sentence : document) {
      if (sentence.empty()) continue;
      for (const int32_t id : sentence) ++dataset.unigram_counts_.at(static_cast<size_t>(id));
      dataset.memory_ids_.insert(dataset.memory_ids_.end(), sentence.begin(), sentence.end());
      dataset.memory_sentences_.push_back(static_cast<uint32_t>(dataset.memory_ids_.size()));
    }
    const auto sentences = static_cast<uint32_t>(dataset.memory_sentences_.size() - 1);
    if (sentences > dataset.memory_documents_.back())
      dataset.memory_documents_.push_back(sentences);
  }
  StreamingChecksum checksum;
  checksum.update(dataset.memory_ids_.data(), dataset.memory_ids_.size() * 4);
  checksum.update(dataset.memory_sentences_.data(), dataset.memory_sentences_.size() * 4);
  checksum.update(dataset.memory_documents_.data(), dataset.memory_documents_.size() * 4);
  dataset.fingerprint_ =
      mix64(checksum.digest() ^ static_cast<uint64_t>(vocab_size)) ^ mix64(tokenizer_hash);
  Part part;
  part.wide_ids = dataset.memory_ids_;
  part.sentence_offsets = dataset.memory_sentences_;
  part.document_offsets = dataset.memory_documents_;
  dataset.add_part(part);
  return dataset;
}

const TokenDataset::Part& TokenDataset::part_of(int64_t index, int64_t Part::*first,
                                                int64_t count) const {
  if (index < 0 || index >= count) {
    fail_range("index " + std::to_string(index) + " of " + std::to_string(count));
  }
  // The last part that begins at or before the index. Empty parts before it begin there too.
  const auto after =
      std::upper_bound(parts_.begin(), parts_.end(), index,
                       [first](int64_t value, const Part& part) { return value < part.*first; });
  return *(after - 1);
}

IndexRange TokenDataset::sentence_tokens(int64_t sentence) const {
  const Part& part = part_of(sentence, &Part::first_sentence, num_sentences_);
  const auto local = static_cast<size_t>(sentence - part.first_sentence);
  return {part.first_token + part.sentence_offsets[local],
          part.first_token + part.sentence_offsets[local + 1]};
}

IndexRange TokenDataset::document_sentences(int64_t document) const {
  const Part& part = part_of(document, &Part::first_document, num_documents_);
  const auto local = static_cast<size_t>(document - part.first_document);
  return {part.first_sentence + part.document_offsets[local],
          part.first_sentence + part.document_offsets[local + 1]};
}

IndexRange TokenDataset::document_tokens(int64_t document) const {
  const IndexRange sentences = document_sentences(document);
  return {sentence_tokens(sentences.begin).begin, sentence_tokens(sentences.end - 1).end};
}

int64_t TokenDataset::document_of_sentence(int64_t sentence) const {
  const Part& part = part_of(sentence, &Part::first_sentence, num_sentences_);
  const auto local = static_cast<uint32_t>(sentence - part.first_sentence);
  const auto& offsets = part.document_offsets;
  const auto after = std::upper_bound(offsets.begin(), offsets.end(), local);
  return part.first_document + (after - offsets.begin()) - 1;
}

int64_t TokenDataset::sentence_of_token(int64_t token) const {
  const Part& part = part_of(token, &Part::first_token, num_tokens_);
  const auto local = static_cast<uint32_t>(token - part.first_token);
  const auto& offsets = part.sentence_offsets;
  const auto after = std::upper_bound(offsets.begin(), offsets.end(), local);
  return part.first_sentence + (after - offsets.begin()) - 1;
}

int64_t TokenDataset::document_of_token(int64_t token) const {
  return document_of_sentence(sentence_of_token(token));
}

void TokenDataset::append_tokens(IndexRange tokens, std::vector<int32_t>& ids) const {
  if (tokens.begin < 0 || tokens.end > num_tokens_ || tokens.begin > tokens.end)
    fail_range("tokens " + std::to_string(tokens.begin) + " to " + std::to_string(tokens.end) +
               " of " + std::to_string(num_tokens_));
  while (tokens.begin < tokens.end) {
    const Part& part = part_of(tokens.begin, &Part::first_token, num_tokens_);
    const auto size = static_cast<int64_t>(part.narrow_ids.size() + part.wide_ids.size());
    const auto begin = tokens.begin - part.first_token;
    const auto end = std::min(size, tokens.end - part.first_token);
    if (part.wide_ids.empty()) {
      ids.insert(ids.end(), part.narrow_ids.begin() + begin, part.narrow_ids.begin() + end);
    } else {
      ids.insert(ids.end(), part.wide_ids.begin() + begin, part.wide_ids.begin() + end);
    }
    tokens.begin = part.first_token + end;
  }
}

std::vector<int32_t> TokenDataset::tokens(IndexRange range) const {
  std::vector<int32_t> ids;
  ids.reserve(static_cast<size_t>(std::max<int64_t>(range.size(), 0)));
  append_tokens(range, ids);
  return ids;
}

void TokenDataset::check(IndexRange tokens) const {
  for (size_t i = 0; i < shards_.size(); ++i) {
    const int64_t end = i + 1 < parts_.size() ? parts_[i + 1].first_token : num_tokens_;
    if (parts_[i].first_token < tokens.end && tokens.begin < end) shards_[i].check();
  }
}

void TokenDataset::fail_range(const std::string& what) const {
  check({0, num_tokens_});
  throw std::out_of_range(what);
}

}  // namespace linformer
