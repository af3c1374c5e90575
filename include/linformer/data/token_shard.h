#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/mapped_file.h"

namespace linformer {

/// Settings that all shards of one `prepare` share.
struct ShardSettings {
  int64_t vocab_size = 0;
  uint64_t tokenizer_hash = 0;        ///< XXH3 of the bytes of tokenizer.model
  uint64_t settings_fingerprint = 0;  ///< identifies input and options of `prepare`
};

/// The header of a shard, as numbers (docs/data-format.md has the bytes).
struct ShardHeader {
  ShardSettings settings;
  int64_t bytes_per_id = 2;  ///< 2 where vocab_size <= 65,536, else 4
  int64_t shard_index = 0;
  bool is_last = false;
  int64_t num_documents = 0;
  int64_t num_sentences = 0;
  int64_t num_tokens = 0;
  int64_t text_bytes = 0;         ///< UTF-8 bytes of the tokens' text
  int64_t num_invalid_utf8 = 0;   ///< invalid byte sequences in that text
  uint64_t content_checksum = 0;  ///< XXH3 of everything after the header
};

/// "PREFIX-00000.shard".
std::string shard_path(const std::string& prefix, int64_t shard_index);

/// The existing shards of a prefix as (index, path), sorted by index. Opens no file.
std::vector<std::pair<int64_t, std::string>> list_shards(const std::string& prefix);

/// Writes one shard. Tokens go to the disk as they come. Only the index stays in memory: 4 bytes
/// per sentence and document, 8 per vocabulary entry. Nothing exists at `path` before commit().
class ShardWriter {
 public:
  ShardWriter(const std::string& path, int64_t shard_index, const ShardSettings& settings);

  /// Adds a document of sentences of ids in [0, vocab_size). Empty sentences are left out, and so
  /// is a document without any other sentence; their text bytes still count. Throws RunError if an
  /// id is outside the vocabulary, the disk is full, or the shard would exceed 2^32 - 1 tokens.
  void append_document(std::span<const std::vector<int32_t>> sentences, int64_t text_bytes,
                       int64_t num_invalid_utf8 = 0);

  /// The counts so far. A caller starts the next shard when they are large enough.
  const ShardHeader& header() const { return header_; }

  /// Finishes the file and moves it into place. `is_last`: no shard follows.
  void commit(bool is_last);

 private:
  void write_content(const void* data, size_t size);
  void write_sentence(std::span<const int32_t> ids);
  void pad_section();

  std::string path_;
  AtomicFile file_;
  StreamingChecksum checksum_;
  ShardHeader header_;
  std::vector<uint32_t> sentence_offsets_{0};  // in tokens
  std::vector<uint32_t> document_offsets_{0};  // in sentences
  std::vector<uint64_t> unigram_counts_;
  std::vector<uint16_t> narrow_ids_;  // a sentence on its way to the file
};

/// A shard mapped into memory. The constructor checks the header's checksum and the size of the
/// file; verify() reads the rest. Both throw RunError that names the file.
class ShardReader {
 public:
  explicit ShardReader(const std::string& path);

  /// Compares the checksum of the content, and checks that offsets and ids are in range.
  void verify() const;

  /// Throws LostBytesError if the file was truncated since it was opened (core/mapped_file.h).
  void check() const { file_.check(); }

  const std::string& path() const { return file_.path(); }
  const ShardHeader& header() const { return header_; }

  /// The ids. One of the two spans is empty, depending on bytes_per_id.
  std::span<const uint16_t> narrow_ids() const { return narrow_ids_; }
  std::span<const int32_t> wide_ids() const { return wide_ids_; }
  /// Sentence s holds the tokens [sentence_offsets()[s], sentence_offsets()[s + 1]).
  std::span<const uint32_t> sentence_offsets() const { return sentence_offsets_; }
  /// Document d holds the sentences [document_offsets()[d], document_offsets()[d + 1]).
  std::span<const uint32_t> document_offsets() const { return document_offsets_; }
  /// How often each id occurs; one number per id of the vocabulary.
  std::span<const uint64_t> unigram_counts() const { return unigram_counts_; }

 private:
  [[noreturn]] void fail_damaged(const std::string& what) const;
  void read_header();

  MappedFile file_;
  ShardHeader header_;
  std::span<const uint16_t> narrow_ids_;
  std::span<const int32_t> wide_ids_;
  std::span<const uint32_t> sentence_offsets_;
  std::span<const uint32_t> document_offsets_;
  std::span<const uint64_t> unigram_counts_;
};

}  // namespace linformer
