#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/temporary_folder.h"

#include "linformer/text/document_reader.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

/// About a megabyte of the sample corpus, documents between blank lines.
const std::string& sample_text();

/// A tokenizer of 1,000 pieces trained on sample_text(), once for all tests.
const Tokenizer& unigram_tokenizer();
const Tokenizer& bpe_tokenizer();

/// Compresses in the named format.
std::string zstd_of(const std::string& content);
std::string gzip_of(const std::string& content);

void write_file(const std::string& path, const std::string& content);

/// All documents of a file.
std::vector<std::string> documents_of(const std::string& path, std::optional<TextLayout> layout,
                                      size_t max_document_bytes = 1 << 20);

}  // namespace linformer
