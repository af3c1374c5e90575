#include "linformer/data/token_dataset.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/fixtures.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr ShardSettings kSettings{100, 42, 7};

std::string refusal(const std::vector<std::string>& prefixes,
                    std::optional<uint64_t> tokenizer = std::nullopt,
                    DatasetCheck check = DatasetCheck::kFull) {
  return message_of<Error>([&] { TokenDataset::open(prefixes, tokenizer, check); });
}

TEST(TokenDataset, NumbersSentencesAndDocumentsThroughShards) {
  const TemporaryFolder folder;
  const Documents documents = {{{4, 5}, {6}}, {{7, 8, 9}}, {{10}}, {{11}, {12, 13}}};
  for (const int64_t num_shards : {1, 2, 4, 7}) {  // 7: some shards are empty
    const std::string prefix = folder.file("n" + std::to_string(num_shards));
    write_shards(prefix, documents, num_shards, kSettings);
    const TokenDataset dataset = TokenDataset::open({prefix}, 42);
    EXPECT_EQ(dataset.num_shards(), num_shards);
    EXPECT_EQ(dataset.num_documents(), 4);
    EXPECT_EQ(dataset.num_sentences(), 6);
    EXPECT_EQ(dataset.num_tokens(), 10);
    EXPECT_EQ(dataset.text_bytes(), 400);
    EXPECT_EQ(dataset.vocab_size(), 100);
    EXPECT_EQ(dataset.sentence_tokens(2), (IndexRange{3, 6}));
    EXPECT_EQ(dataset.sentence_tokens(5), (IndexRange{8, 10}));
    EXPECT_EQ(dataset.document_sentences(3), (IndexRange{4, 6}));
    EXPECT_EQ(dataset.document_tokens(0), (IndexRange{0, 3}));
    EXPECT_EQ(dataset.document_of_sentence(1), 0);
    EXPECT_EQ(dataset.document_of_sentence(4), 3);
    EXPECT_EQ(dataset.sentence_of_token(5), 2);
    EXPECT_EQ(dataset.document_of_token(6), 2);
    EXPECT_THAT(dataset.tokens({2, 8}), ElementsAre(6, 7, 8, 9, 10, 11));
    EXPECT_THAT(dataset.tokens({4, 4}), ElementsAre());
    EXPECT_EQ(dataset.unigram_counts()[9], 1u);
    EXPECT_THROW(dataset.sentence_tokens(6), std::out_of_range);
    EXPECT_THROW(dataset.document_sentences(-1), std::out_of_range);
    EXPECT_THROW(dataset.tokens({0, 11}), std::out_of_range);
  }
}

TEST(TokenDataset, MemoryShardsOfTwoAndFourBytesAgree) {
  const TemporaryFolder folder;
  const Documents documents = random_documents(5, 200, 100);
  write_shards(folder.file("narrow"), documents, 3, kSettings);
  write_shards(folder.file("wide"), documents, 3, {70000, 42, 7});
  const TokenDataset narrow = TokenDataset::open({folder.file("narrow")});
  const TokenDataset wide = TokenDataset::open({folder.file("wide")});
  const TokenDataset memory = TokenDataset::from_memory(documents, 20000, 100, 42);
  for (const TokenDataset* dataset : {&narrow, &wide, &memory}) {
    ASSERT_EQ(dataset->tokens({0, dataset->num_tokens()}), flatten(documents));
    EXPECT_EQ(dataset->num_documents(), 200);
    EXPECT_EQ(dataset->text_bytes(), 20000);
    int64_t sentence = 0, document = -1;
    dataset->for_each_sentence([&](int64_t begin, bool first) {
      document += first ? 1 : 0;
      EXPECT_EQ(begin, dataset->sentence_tokens(sentence).begin);
      EXPECT_EQ(document, dataset->document_of_sentence(sentence));
      ++sentence;
    });
    EXPECT_EQ(sentence, narrow.num_sentences());
    EXPECT_EQ(document, 199);
  }
  EXPECT_EQ(narrow.unigram_counts(), memory.unigram_counts());
}

TEST(TokenDataset, JoinsPrefixesInTheirOrder) {
  const TemporaryFolder folder;
  write_shards(folder.file("a"), {{{4}}}, 1, kSettings);
  write_shards(folder.file("b"), {{{5}}, {{6}}}, 2, {100, 42, 8});
  const TokenDataset ab = TokenDataset::open({folder.file("a"), folder.file("b")});
  EXPECT_THAT(ab.tokens({0, 3}), ElementsAre(4, 5, 6));
  const TokenDataset ba = TokenDataset::open({folder.file("b"), folder.file("a")});
  EXPECT_THAT(ba.tokens({0, 3}), ElementsAre(5, 6, 4));
  EXPECT_NE(ab.fingerprint(), ba.fingerprint());
}

TEST(TokenDataset, FingerprintIsThatOfTheContent) {
  const TemporaryFolder folder;
  const Documents documents = random_documents(6, 20, 100);
  write_shards(folder.file("a"), documents, 2, kSettings);
  write_shards(folder.file("b"), documents, 2, {100, 42, 12345});  // other options, same content
  const uint64_t fingerprint = TokenDataset::open({folder.file("a")}).fingerprint();
  EXPECT_EQ(TokenDataset::open({folder.file("b")}).fingerprint(), fingerprint);
  write_shards(folder.file("c"), documents, 2, {100, 43, 7});
  EXPECT_NE(TokenDataset::open({folder.file("c")}).fingerprint(), fingerprint);
  Documents changed = documents;
  changed[3][0][0] = changed[3][0][0] == 50 ? 51 : 50;
  write_shards(folder.file("d"), changed, 2, kSettings);
  EXPECT_NE(TokenDataset::open({folder.file("d")}).fingerprint(), fingerprint);
  EXPECT_EQ(TokenDataset::from_memory(documents, 1, 100).fingerprint(),
            TokenDataset::from_memory(documents, 1, 100).fingerprint());
  EXPECT_NE(TokenDataset::from_memory(changed, 1, 100).fingerprint(),
            TokenDataset::from_memory(documents, 1, 100).fingerprint());
}

TEST(TokenDataset, StaysWholeWhenMoved) {
  const Documents documents = random_documents(6, 20, 100);
  TokenDataset dataset = TokenDataset::from_memory(documents, 1, 100);
  const TokenDataset moved = std::move(dataset);
  EXPECT_EQ(moved.tokens({0, moved.num_tokens()}), flatten(documents));
}

TEST(TokenDataset, RefusesMissingShards) {
  const TemporaryFolder folder;
  const std::string prefix = folder.file("train");
  const Documents documents = random_documents(7, 20, 100);
  write_shards(prefix, documents, 3, kSettings);
  std::filesystem::remove(shard_path(prefix, 1));
  EXPECT_THAT(refusal({prefix}), HasSubstr(shard_path(prefix, 1) + ": this shard is missing"));
  std::filesystem::remove(shard_path(prefix, 2));
  EXPECT_THAT(refusal({prefix}), HasSubstr("interrupted"));
  EXPECT_THAT(refusal({prefix}), HasSubstr("linformer-data prepare"));
  std::filesystem::remove(shard_path(prefix, 0));
  EXPECT_THAT(refusal({prefix}), HasSubstr("no token shards here"));
}

TEST(TokenDataset, SuggestsThePrefixesOfAFolder) {
  const TemporaryFolder folder;
  write_shards(folder.file("train"), {{{4}}}, 1, kSettings);
  EXPECT_THAT(refusal({folder.path()}), HasSubstr(folder.file("train")));
  EXPECT_THAT(refusal({folder.file("trian")}), HasSubstr("name one of these prefixes"));
  EXPECT_THROW(TokenDataset::open({}), UsageError);
}

TEST(TokenDataset, RefusesShardsThatDoNotBelongTogether) {
  const TemporaryFolder folder;
  const Documents documents = random_documents(8, 20, 100);
  write_shards(folder.file("a"), documents, 1, kSettings);
  write_shards(folder.file("b"), documents, 1, {101, 42, 7});
  write_shards(folder.file("c"), documents, 1, {100, 43, 7});
  EXPECT_THAT(refusal({folder.file("a"), folder.file("b")}), HasSubstr("a vocabulary of 101 ids"));
  EXPECT_THAT(refusal({folder.file("a"), folder.file("c")}), HasSubstr("another tokenizer"));
  EXPECT_THAT(refusal({folder.file("a")}, 43), HasSubstr("another tokenizer (xxh3"));

  write_shards(folder.file("d"), documents, 3, kSettings);
  write_shards(folder.file("d"), documents, 2, kSettings);  // a shorter set over a longer one
  EXPECT_THAT(refusal({folder.file("d")}),
              HasSubstr("marked as the last shard, but others follow"));

  write_shards(folder.file("e"), documents, 2, kSettings);
  write_shards(folder.file("e2"), documents, 2, {100, 42, 8});
  std::filesystem::rename(shard_path(folder.file("e2"), 1), shard_path(folder.file("e"), 1));
  EXPECT_THAT(refusal({folder.file("e")}), HasSubstr("with other options"));

  write_shards(folder.file("f"), documents, 2, kSettings);
  std::filesystem::rename(shard_path(folder.file("f"), 1), shard_path(folder.file("f"), 0));
  EXPECT_THAT(refusal({folder.file("f")}), HasSubstr("holds shard number 1"));
}

TEST(TokenDataset, RefusesADamagedShardUnlessToldToSkipTheCheck) {
  const TemporaryFolder folder;
  const std::string prefix = folder.file("train");
  write_shards(prefix, random_documents(9, 200, 100), 2, kSettings);
  std::fstream file(shard_path(prefix, 1), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(130).put('\x05');  // an id
  file.close();
  EXPECT_THAT(refusal({prefix}), HasSubstr(shard_path(prefix, 1) + ": damaged"));
  EXPECT_EQ(refusal({prefix}, std::nullopt, DatasetCheck::kHeaders), "");
}

TEST(TokenDataset, RefusesShardsWithoutTokens) {
  const TemporaryFolder folder;
  write_shards(folder.file("a"), {}, 1, kSettings);
  EXPECT_THAT(refusal({folder.file("a")}), HasSubstr("no tokens"));
}

}  // namespace
}  // namespace linformer
