#include "linformer/data/text_dataset.h"

#include "linformer/core/stop_signal.h"

namespace linformer {
namespace {

class MemorySink : public CorpusSink {
 public:
  void take(const EncodedDocuments& encoded) override {
    const int32_t* token = encoded.tokens.data();
    const uint32_t* length = encoded.sentence_tokens.data();
    for (const uint32_t num_sentences : encoded.document_sentences) {
      std::vector<std::vector<int32_t>>& document = documents_.emplace_back();
      for (uint32_t s = 0; s < num_sentences; ++s, ++length) {
        document.emplace_back(token, token + *length);
        token += *length;
      }
    }
    text_bytes_ += static_cast<int64_t>(encoded.counts.text_bytes);
  }
  void end_shard(const ShardText&) override {}
  bool wants(uint64_t) const override { return stop_signal() == 0; }
  void progress(uint64_t) override {}

  TokenDataset dataset(const Tokenizer& tokenizer) const {
    return TokenDataset::from_memory(documents_, text_bytes_, tokenizer.vocab_size(),
                                     tokenizer.hash());
  }

 private:
  std::vector<std::vector<std::vector<int32_t>>> documents_;
  int64_t text_bytes_ = 0;
};

}  // namespace

TokenDataset encode_texts(const CorpusOptions& options, const Tokenizer& tokenizer) {
  MemorySink sink;
  encode_corpus(options, tokenizer, sink);
  return sink.dataset(tokenizer);
}

}  // namespace linformer
