#include "linformer/text/corpus_encoder.h"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/fixtures.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Keeps all it gets, shard by shard.
struct Collector : CorpusSink {
  struct Shard {
    std::vector<std::vector<int32_t>> sentences;
    std::vector<uint32_t> document_sentences;
    std::vector<uint64_t> document_bytes;
    bool ended = false;
    bool is_last = false;
    bool operator==(const Shard&) const = default;
  };

  bool wants(uint64_t shard) const override { return shard % step == offset; }
  void take(const EncodedDocuments& documents) override {
    shards.resize(std::max<size_t>(shards.size(), documents.shard + 1));
    Shard& shard = shards[documents.shard];
    EXPECT_FALSE(shard.ended);
    size_t token = 0;
    for (const uint32_t length : documents.sentence_tokens) {
      const auto begin = documents.tokens.begin() + static_cast<ptrdiff_t>(token);
      shard.sentences.emplace_back(begin, begin + length);
      token += length;
    }
    EXPECT_EQ(token, documents.tokens.size());
    for (const uint32_t count : documents.document_sentences) {
      shard.document_sentences.push_back(count);
    }
    for (const uint64_t bytes : documents.document_bytes) shard.document_bytes.push_back(bytes);
    counts += documents.counts;
  }
  void end_shard(const ShardText& text) override {
    shards.resize(std::max<size_t>(shards.size(), text.shard + 1));
    shards[text.shard].ended = true;
    shards[text.shard].is_last = text.is_last;
    if (stop_after_first) throw std::runtime_error("enough");
  }
  void progress(uint64_t) override {}

  uint64_t step = 1;
  uint64_t offset = 0;
  bool stop_after_first = false;
  std::vector<Shard> shards;
  CorpusCounts counts;
};

class CorpusEncoderTest : public ::testing::Test {
 protected:
  CorpusEncoderTest() {
    write_file(folder_.file("a.txt"), sample_text());
    write_file(folder_.file("b.txt.zst"), zstd_of(sample_text().substr(0, 400'000)));
    options_.inputs = {folder_.file("a.txt"), folder_.file("b.txt.zst")};
    options_.shard_text_bytes = 300'000;
  }
  Collector collect(Collector sink = {}) const {
    encode_corpus(options_, unigram_tokenizer(), sink);
    return sink;
  }

  TemporaryFolder folder_;
  CorpusOptions options_;
};

TEST_F(CorpusEncoderTest, EqualsEncodingByHand) {
  const Collector sink = collect();
  std::vector<std::vector<int32_t>> expected;
  uint64_t documents = 0, bytes = 0;
  for (const std::string& path : options_.inputs) {
    for (const std::string& document : documents_of(path, TextLayout::kBlankLines)) {
      std::vector<std::string_view> sentences;
      split_sentences(document, LineEnds::kBreak, sentences);
      for (const auto sentence : sentences) {
        expected.push_back(unigram_tokenizer().encode(sentence));
      }
      ++documents;
      bytes += document.size();
    }
  }
  std::vector<std::vector<int32_t>> got;
  for (const auto& shard : sink.shards) {
    got.insert(got.end(), shard.sentences.begin(), shard.sentences.end());
  }
  EXPECT_TRUE(got == expected);
  EXPECT_EQ(sink.counts.documents, documents);
  EXPECT_EQ(sink.counts.sentences, expected.size());
  EXPECT_EQ(sink.counts.text_bytes, bytes);
  EXPECT_EQ(sink.counts.invalid_utf8, 0u);
}

TEST_F(CorpusEncoderTest, DoesNotDependOnThreads) {
  const Collector one = collect();
  for (const int threads : {2, 3, 8}) {
    options_.threads = threads;
    const Collector many = collect();
    EXPECT_TRUE(many.shards == one.shards) << threads;
    EXPECT_EQ(many.counts, one.counts);
  }
}

TEST_F(CorpusEncoderTest, CutsShardsBehindTheDocumentThatFillsThem) {
  write_file(folder_.file("lines.txt"), "aaaa\nbbbb\ncccc\ndddd\neeee\n");
  options_.inputs = {folder_.file("lines.txt")};
  options_.layout = TextLayout::kLines;
  options_.shard_text_bytes = 8;
  const Collector sink = collect();
  ASSERT_EQ(sink.shards.size(), 3u);
  EXPECT_THAT(sink.shards[0].document_bytes, ElementsAre(4u, 4u));
  EXPECT_THAT(sink.shards[1].document_bytes, ElementsAre(4u, 4u));
  EXPECT_THAT(sink.shards[2].document_bytes, ElementsAre(4u));
  EXPECT_FALSE(sink.shards[1].is_last);
  EXPECT_TRUE(sink.shards[2].is_last);
  // With a text that fills the second shard exactly, there is no empty third.
  write_file(folder_.file("lines.txt"), "aaaa\nbbbb\ncccc\ndddd\n");
  const Collector exact = collect();
  ASSERT_EQ(exact.shards.size(), 2u);
  EXPECT_TRUE(exact.shards[1].is_last);
}

TEST_F(CorpusEncoderTest, SkipsShardsThatAreNotWanted) {
  const Collector all = collect();
  ASSERT_GE(all.shards.size(), 4u);
  for (const uint64_t offset : {0u, 1u, 2u}) {
    Collector sink;
    sink.step = 3;
    sink.offset = offset;
    const Collector part = collect(std::move(sink));
    ASSERT_EQ(part.shards.size(), all.shards.size());
    for (size_t s = 0; s < all.shards.size(); ++s) {
      EXPECT_TRUE(part.shards[s].ended);
      EXPECT_EQ(part.shards[s].is_last, all.shards[s].is_last);
      EXPECT_TRUE(s % 3 == offset ? part.shards[s] == all.shards[s]
                                  : part.shards[s].sentences.empty());
    }
  }
}

TEST_F(CorpusEncoderTest, CountsEmptyDocumentsAndMalformedText) {
  write_file(folder_.file("odd.jsonl"),
             "{\"text\": \"one\"}\n{\"text\": \"  \"}\n{\"text\": \"t\xFFwo. Yes\"}\n");
  options_.inputs = {folder_.file("odd.jsonl")};
  const Collector sink = collect();
  EXPECT_EQ(sink.counts.documents, 2u);
  EXPECT_EQ(sink.counts.empty_documents, 1u);
  EXPECT_EQ(sink.counts.invalid_utf8, 1u);
  EXPECT_THAT(sink.shards.at(0).document_sentences, ElementsAre(1u, 2u));
}

TEST_F(CorpusEncoderTest, ThrowsTheEarliestError) {
  // A bad line in the first file (found by an encoder) comes before the bad second file (found by
  // the reader), whoever is faster.
  write_file(folder_.file("bad.jsonl"), "{\"text\": \"one\"}\n{broken\n");
  write_file(folder_.file("bad.zst"), zstd_of(sample_text()).substr(0, 1000));
  options_.inputs = {folder_.file("bad.jsonl"), folder_.file("bad.zst")};
  options_.threads = 3;
  EXPECT_THAT(message_of<RunError>([&] { collect(); }), HasSubstr("bad.jsonl:2"));
  options_.inputs.erase(options_.inputs.begin());
  EXPECT_THAT(message_of<RunError>([&] { collect(); }),
              HasSubstr("bad.zst: the file is cut short"));
}

TEST_F(CorpusEncoderTest, StopsWhenTheSinkThrows) {
  Collector sink;
  sink.stop_after_first = true;
  options_.threads = 2;
  EXPECT_THROW(encode_corpus(options_, unigram_tokenizer(), sink), std::runtime_error);
}

}  // namespace
}  // namespace linformer
