#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "linformer/data/token_shard.h"

namespace linformer {

/// What open() verifies before it returns.
enum class DatasetCheck {
  kFull,     ///< compares every byte of every shard with its checksum
  kHeaders,  ///< headers and sizes only (saves seconds with hundreds of GB)
};

/// A half-open range of sentences or tokens.
struct IndexRange {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
  bool operator==(const IndexRange&) const = default;
};

/// Documents of sentences of token ids, numbered in order through all shards of all prefixes.
/// Read-only; every const method may be called from several threads. Movable.
///
/// Indices outside the range throw std::out_of_range (a programmer's error).
class TokenDataset {
 public:
  /// Opens PREFIX-00000.shard, PREFIX-00001.shard, ... of every prefix. Throws RunError if a shard
  /// is missing or damaged, if the last one is missing, if shards differ in vocabulary or
  /// tokenizer, or if they do not belong to the tokenizer `expected_tokenizer_hash`.
  static TokenDataset open(const std::vector<std::string>& prefixes,
                           std::optional<uint64_t> expected_tokenizer_hash = std::nullopt,
                           DatasetCheck check = DatasetCheck::kFull);

  /// A data set in memory: documents[d][s] are the ids of sentence s of document d. Empty sentences
  /// and documents are left out, as by ShardWriter.
  static TokenDataset from_memory(const std::vector<std::vector<std::vector<int32_t>>>& documents,
                                  int64_t text_bytes, int64_t vocab_size,
                                  uint64_t tokenizer_hash = 0);

  int64_t num_documents() const { return num_documents_; }
  int64_t num_sentences() const { return num_sentences_; }
  int64_t num_tokens() const { return num_tokens_; }
  int64_t text_bytes() const { return text_bytes_; }
  int64_t num_invalid_utf8() const { return num_invalid_utf8_; }
  int64_t num_shards() const { return static_cast<int64_t>(parts_.size()); }
  int64_t vocab_size() const { return vocab_size_; }
  uint64_t tokenizer_hash() const { return tokenizer_hash_; }
  /// How often each id occurs; one number per id of the vocabulary.
  const std::vector<uint64_t>& unigram_counts() const { return unigram_counts_; }
  /// Identity of the content: the checksums of the shards in order, the vocabulary and the
  /// tokenizer. Checkpoints store it, so that a run is never resumed on other data.
  uint64_t fingerprint() const { return fingerprint_; }

  /// The tokens of a sentence; sentences are numbered through the whole data set.
  IndexRange sentence_tokens(int64_t sentence) const;
  /// The sentences of a document.
  IndexRange document_sentences(int64_t document) const;
  IndexRange document_tokens(int64_t document) const;
  int64_t document_of_sentence(int64_t sentence) const;
  int64_t sentence_of_token(int64_t token) const;
  int64_t document_of_token(int64_t token) const;

  /// Appends the ids of a range of tokens, across sentences, documents and shards.
  void append_tokens(IndexRange tokens, std::vector<int32_t>& ids) const;
  std::vector<int32_t> tokens(IndexRange range) const;

  /// Throws LostBytesError if a shard that holds one of these tokens was truncated since it was
  /// opened. Tokens that were read are valid only if it does not throw.
  void check(IndexRange tokens) const;

  /// Calls visit(sentence_begin, is_first_of_document) for every sentence in order, in one pass
  /// over the indices. sentence_begin is the sentence's first token; the sentence ends where the
  /// next one begins.
  template <class Visitor>
  void for_each_sentence(Visitor&& visit) const {
    for (const Part& part : parts_) {
      size_t document = 0;
      for (size_t s = 0; s + 1 < part.sentence_offsets.size(); ++s) {
        const bool first = part.document_offsets[document] == s;
        if (first) ++document;
        visit(part.first_token + part.sentence_offsets[s], first);
      }
    }
  }

 private:
  /// One shard, or the memory of from_memory().
  struct Part {
    std::span<const uint16_t> narrow_ids;
    std::span<const int32_t> wide_ids;
    std::span<const uint32_t> sentence_offsets;
    std::span<const uint32_t> document_offsets;
    int64_t first_token = 0;
    int64_t first_sentence = 0;
    int64_t first_document = 0;
  };

  void open_prefix(const std::string& prefix, DatasetCheck check);
  void add_shard(ShardReader shard);
  void add_part(Part part);
  const Part& part_of(int64_t index, int64_t Part::*first, int64_t count) const;
  /// Throws std::out_of_range, unless a truncated shard caused the wrong numbers.
  [[noreturn]] void fail_range(const std::string& what) const;

  std::vector<ShardReader> shards_;  // own the mapped memory of parts_
  std::vector<int32_t> memory_ids_;  // own the memory of parts_ otherwise
  std::vector<uint32_t> memory_sentences_, memory_documents_;
  std::vector<Part> parts_;
  std::vector<uint64_t> unigram_counts_;
  int64_t num_documents_ = 0;
  int64_t num_sentences_ = 0;
  int64_t num_tokens_ = 0;
  int64_t text_bytes_ = 0;
  int64_t num_invalid_utf8_ = 0;
  int64_t vocab_size_ = 0;
  uint64_t tokenizer_hash_ = 0;
  uint64_t fingerprint_ = 0;
};

}  // namespace linformer
