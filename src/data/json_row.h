#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "linformer/text/document_reader.h"

namespace linformer {

/// One JSON object of a file of rows. Its methods report wrong fields.
class JsonRow {
 public:
  /// `where` is FILE:LINE. Throws RunError unless `line` is a JSON object.
  JsonRow(const std::string& line, std::string where, int64_t vocab_size,
          int64_t max_sequence_length);
  ~JsonRow();

  /// Whether the key exists; null counts as absent.
  bool contains(const char* key) const;
  std::string text(const char* key) const;
  std::vector<int64_t> integers(const char* key) const;
  /// The field input_ids: not empty, not too long, in the vocabulary.
  std::vector<int32_t> input_ids() const;
  /// The field attention_mask, or 0 where <pad> is. Positions are counted over tokens, so programs
  /// would disagree about a <pad> that counts as a token: it is refused.
  std::vector<uint8_t> attention_mask(const std::vector<int32_t>& ids) const;

  void check_length(size_t length) const;
  void check_same_length(const char* key, size_t length, size_t expected) const;
  [[noreturn]] void fail(const std::string& what, const std::string& fix) const;
  [[noreturn]] void fail_vocabulary(const char* key, size_t i, int64_t id,
                                    const std::string& or_else) const;
  /// Malformed UTF-8 sequences and halves of surrogate pairs that became U+FFFD.
  int64_t num_repaired() const { return num_repaired_; }
  /// "labels[3]"
  static std::string at(const char* key, size_t i);

 private:
  std::string where_;
  int64_t vocab_size_;
  int64_t max_sequence_length_;
  int64_t num_repaired_ = 0;
  std::unique_ptr<nlohmann::json> object_;
};

/// The nonempty lines of a file (plain, zstd, gzip).
class JsonLines {
 public:
  /// Throws RunError if the file cannot be read.
  explicit JsonLines(const std::string& path);

  /// Throws RunError if the file cannot be read or is not text.
  std::optional<std::string> next();
  /// FILE:LINE of the last line.
  std::string where() const { return input_name(path_) + ":" + std::to_string(line_number_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  LineReader lines_;
  int64_t line_number_ = 0;
};

}  // namespace linformer
