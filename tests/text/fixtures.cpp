#include "text/fixtures.h"

#include <fstream>
#include <stdexcept>

#include <zlib.h>
#include <zstd.h>

#include "linformer/text/sample_corpus.h"
#include "linformer/text/tokenizer_trainer.h"

namespace linformer {

namespace {

Tokenizer train(TokenizerType type) {
  const TemporaryFolder folder;
  write_file(folder.file("text.txt"), sample_text());
  TokenizerTraining training;
  training.inputs = {folder.file("text.txt")};
  training.type = type;
  training.vocab_size = 1000;
  return Tokenizer(train_tokenizer(training, [](uint64_t) { return true; }).model_bytes);
}

}  // namespace

const std::string& sample_text() {
  static const std::string text = [] {
    const SampleCorpus corpus(3);
    std::string made;
    for (uint64_t i = 0; made.size() < 1'000'000; ++i) made += corpus.document(i) + "\n";
    return made;
  }();
  return text;
}

const Tokenizer& unigram_tokenizer() {
  static const Tokenizer tokenizer = train(TokenizerType::kUnigram);
  return tokenizer;
}

const Tokenizer& bpe_tokenizer() {
  static const Tokenizer tokenizer = train(TokenizerType::kBpe);
  return tokenizer;
}

std::string zstd_of(const std::string& content) {
  std::string compressed(ZSTD_compressBound(content.size()), '\0');
  const size_t size =
      ZSTD_compress(compressed.data(), compressed.size(), content.data(), content.size(), 3);
  if (ZSTD_isError(size)) throw std::runtime_error("ZSTD_compress failed");
  compressed.resize(size);
  return compressed;
}

std::string gzip_of(const std::string& content) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("deflateInit2 failed");
  }
  std::string compressed(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  const int result = deflate(&stream, Z_FINISH);
  compressed.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("deflate failed");
  return compressed;
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream stream(path, std::ios::binary);
  stream << content;
  if (!stream.flush()) throw std::runtime_error("cannot write " + path);
}

std::vector<std::string> documents_of(const std::string& path, std::optional<TextLayout> layout,
                                      size_t max_document_bytes) {
  DocumentReader reader(path, layout, max_document_bytes);
  std::vector<std::string> documents;
  while (const auto document = reader.next()) {
    std::string& text = documents.emplace_back();
    uint64_t num_invalid = 0;
    append_document_text(*document, reader.layout(), path, BadLines::kRefuse, text, num_invalid);
  }
  return documents;
}

}  // namespace linformer
