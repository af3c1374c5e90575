#include "linformer/data/text_dataset.h"

#include <utility>

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
    counts_ += encoded.counts;
  }
  void end_shard(const ShardText&) override {}
  bool wants(uint64_t) const override { return stop_signal() == 0; }
  void progress(uint64_t) override {}

  TokenDataset dataset(const Tokenizer& tokenizer) const {
    return TokenDataset::from_memory(documents_, static_cast<int64_t>(counts_.text_bytes),
                                     tokenizer.vocab_size(), tokenizer.hash());
  }
  const CorpusCounts& counts() const { return counts_; }

 private:
  std::vector<std::vector<std::vector<int32_t>>> documents_;
  CorpusCounts counts_;
};

}  // namespace

TextDataset encode_texts(const CorpusOptions& options, const Tokenizer& tokenizer) {
  MemorySink sink;
  std::vector<TextLayout> layouts = encode_corpus(options, tokenizer, sink);
  return {sink.dataset(tokenizer), std::move(layouts), sink.counts()};
}

}  // namespace linformer
