#include "linformer/data/token_shard.h"

#include <cstring>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/fixtures.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr ShardSettings kSettings{10, 0x1122334455667788ULL, 77};

void write_small_shard(const std::string& path, const ShardSettings& settings = kSettings) {
  ShardWriter writer(path, 3, settings);
  writer.append_document(Sentences{{4, 5, 6}, {7}}, 20, 1);
  writer.append_document(Sentences{{8, 8}}, 9);
  writer.commit(true);
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

template <class T>
T number_at(const std::string& bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

TEST(Shard, ReadsWhatWasWritten) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a-00003.shard");
  write_small_shard(path);
  const ShardReader shard(path);
  shard.verify();
  EXPECT_EQ(shard.header().shard_index, 3);
  EXPECT_TRUE(shard.header().is_last);
  EXPECT_EQ(shard.header().settings.vocab_size, 10);
  EXPECT_EQ(shard.header().settings.tokenizer_hash, kSettings.tokenizer_hash);
  EXPECT_EQ(shard.header().settings.settings_fingerprint, 77u);
  EXPECT_EQ(shard.header().num_documents, 2);
  EXPECT_EQ(shard.header().num_sentences, 3);
  EXPECT_EQ(shard.header().num_tokens, 6);
  EXPECT_EQ(shard.header().text_bytes, 29);
  EXPECT_EQ(shard.header().num_invalid_utf8, 1);
  EXPECT_THAT(shard.narrow_ids(), ElementsAre(4, 5, 6, 7, 8, 8));
  EXPECT_TRUE(shard.wide_ids().empty());
  EXPECT_THAT(shard.sentence_offsets(), ElementsAre(0, 3, 4, 6));
  EXPECT_THAT(shard.document_offsets(), ElementsAre(0, 2, 3));
  EXPECT_THAT(shard.unigram_counts(), ElementsAre(0, 0, 0, 0, 1, 1, 1, 1, 2, 0));
}

TEST(Shard, HasTheBytesOfTheDocumentation) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a-00003.shard");
  write_small_shard(path);
  const std::string bytes = read_text_file(path);
  // 112 header + 6 ids x 2 = 12 -> 16 + 4 offsets x 4 = 16 + 3 x 4 = 12 -> 16 + 10 x 8 = 80
  ASSERT_EQ(bytes.size(), 112u + 16 + 16 + 16 + 80);
  EXPECT_EQ(bytes.substr(0, 8), "LNFSHARD");
  EXPECT_EQ(number_at<uint32_t>(bytes, 8), 1u);
  EXPECT_EQ(number_at<uint32_t>(bytes, 12), 2u);
  EXPECT_EQ(number_at<uint32_t>(bytes, 16), 3u);
  EXPECT_EQ(number_at<uint32_t>(bytes, 20), 1u);
  EXPECT_EQ(number_at<uint64_t>(bytes, 24), 10u);
  EXPECT_EQ(number_at<uint64_t>(bytes, 32), kSettings.tokenizer_hash);
  EXPECT_EQ(number_at<uint64_t>(bytes, 40), 77u);
  EXPECT_EQ(number_at<uint64_t>(bytes, 48), 2u);
  EXPECT_EQ(number_at<uint64_t>(bytes, 56), 3u);
  EXPECT_EQ(number_at<uint64_t>(bytes, 64), 6u);
  EXPECT_EQ(number_at<uint64_t>(bytes, 72), 29u);
  EXPECT_EQ(number_at<uint64_t>(bytes, 80), 1u);
  EXPECT_EQ(number_at<uint64_t>(bytes, 88), bytes.size());
  EXPECT_EQ(number_at<uint64_t>(bytes, 96), xxh3(std::string_view(bytes).substr(112)));
  EXPECT_EQ(number_at<uint64_t>(bytes, 104), xxh3(std::string_view(bytes).substr(0, 104)));
  EXPECT_EQ(number_at<uint16_t>(bytes, 112), 4u);
  EXPECT_EQ(number_at<uint32_t>(bytes, 128 + 4), 3u);
  EXPECT_EQ(number_at<uint32_t>(bytes, 144 + 4), 2u);
  EXPECT_EQ(number_at<uint64_t>(bytes, 160 + 8 * 8), 2u);
}

TEST(Shard, UsesTwoBytesUpToAVocabularyOf65536) {
  const TemporaryFolder folder;
  for (const int64_t vocab_size : {65536, 65537}) {
    const std::string path = folder.file("a-00000.shard");
    ShardWriter writer(path, 0, {vocab_size, 0, 0});
    const auto last = static_cast<int32_t>(vocab_size - 1);
    writer.append_document(Sentences{{4, last, 5}}, 7);
    writer.commit(false);
    const ShardReader shard(path);
    shard.verify();
    EXPECT_FALSE(shard.header().is_last);
    EXPECT_EQ(shard.unigram_counts()[static_cast<size_t>(last)], 1u);
    if (vocab_size == 65536) {
      EXPECT_EQ(shard.header().bytes_per_id, 2);
      EXPECT_THAT(shard.narrow_ids(), ElementsAre(4, last, 5));
    } else {
      EXPECT_EQ(shard.header().bytes_per_id, 4);
      EXPECT_THAT(shard.wide_ids(), ElementsAre(4, last, 5));
    }
  }
}

TEST(Shard, LeavesOutEmptySentencesAndDocuments) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a-00000.shard");
  ShardWriter writer(path, 0, kSettings);
  writer.append_document(Sentences{}, 3);
  writer.append_document(Sentences{{}, {5}, {}}, 4);
  writer.append_document(Sentences{{}}, 5);
  writer.commit(true);
  const ShardReader shard(path);
  shard.verify();
  EXPECT_EQ(shard.header().num_documents, 1);
  EXPECT_EQ(shard.header().num_sentences, 1);
  EXPECT_EQ(shard.header().text_bytes, 12);
}

TEST(Shard, AnEmptyOneIsWhole) {
  const TemporaryFolder folder;
  ShardWriter(folder.file("a-00000.shard"), 0, kSettings).commit(true);
  const ShardReader shard(folder.file("a-00000.shard"));
  shard.verify();
  EXPECT_EQ(shard.header().num_tokens, 0);
  EXPECT_THAT(shard.sentence_offsets(), ElementsAre(0));
}

TEST(Shard, TheSameContentGivesTheSameBytes) {
  const TemporaryFolder folder;
  write_small_shard(folder.file("a"));
  write_small_shard(folder.file("b"));
  EXPECT_EQ(read_text_file(folder.file("a")), read_text_file(folder.file("b")));
}

TEST(Shard, RefusesIdsOutsideTheVocabulary) {
  const TemporaryFolder folder;
  for (const int32_t id : {-1, 10}) {
    ShardWriter writer(folder.file("a-00000.shard"), 0, kSettings);
    const auto message = message_of<RunError>([&] {
      writer.append_document(Sentences{{4, id}}, 1);
    });
    EXPECT_THAT(message, HasSubstr("token id " + std::to_string(id) + " is outside"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder.file("a-00000.shard")));
  EXPECT_THROW(ShardWriter(folder.file("b"), 0, {0, 0, 0}), RunError);
}

/// "" if the shard is taken, else the message.
std::string refusal(const std::string& path) {
  return message_of<RunError>([&] { ShardReader(path).verify(); });
}

TEST(Shard, EveryCutIsFoundAndNamed) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a-00000.shard");
  write_small_shard(path);
  const std::string bytes = read_text_file(path);
  for (size_t size = 0; size < bytes.size(); ++size) {  // so every section is cut somewhere
    write_bytes(path, bytes.substr(0, size));
    const std::string message = refusal(path);
    EXPECT_THAT(message, HasSubstr(path)) << size;
    EXPECT_THAT(message, AnyOf(HasSubstr("cut short"), HasSubstr("is empty"))) << size;
    EXPECT_THAT(message, HasSubstr("fix: ")) << size;
  }
  write_bytes(path, bytes + "x");
  EXPECT_THAT(refusal(path), HasSubstr("too long"));
  write_bytes(path, bytes);
  EXPECT_EQ(refusal(path), "");
}

TEST(Shard, EveryFlippedBitIsFoundAndNamed) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a-00000.shard");
  write_small_shard(path);
  const std::string bytes = read_text_file(path);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    write_bytes(path, flipped);
    EXPECT_THAT(refusal(path), HasSubstr(path + ": ")) << "bit " << bit;
  }
}

TEST(Shard, AFlippedBitInALargeShardIsFound) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a-00000.shard");
  write_shards(folder.file("a"), random_documents(1, 2000, 70000), 1, {70000, 1, 2});
  const std::string bytes = read_text_file(path);
  RandomStream random(RandomPurpose::kTest, {9});
  for (int trial = 0; trial < 50; ++trial) {
    std::string flipped = bytes;
    const uint64_t bit = random.below(bytes.size() * 8);
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    write_bytes(path, flipped);
    EXPECT_THAT(refusal(path), HasSubstr(path + ": ")) << "bit " << bit;
  }
}

/// Writes new checksums over a change, as a faulty writer would have made it.
std::string with_new_checksums(std::string bytes) {
  const uint64_t content = xxh3(std::string_view(bytes).substr(112));
  std::memcpy(bytes.data() + 96, &content, 8);
  const uint64_t header = xxh3(std::string_view(bytes).substr(0, 104));
  std::memcpy(bytes.data() + 104, &header, 8);
  return bytes;
}

TEST(Shard, ContradictionsUnderRightChecksumsAreFound) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a-00000.shard");
  write_small_shard(path);
  const std::string bytes = read_text_file(path);
  const auto refused_with = [&](size_t offset, char value) {
    std::string changed = bytes;
    changed[offset] = value;
    write_bytes(path, with_new_checksums(changed));
    return refusal(path);
  };
  EXPECT_THAT(refused_with(112, 10), HasSubstr("token id is outside the vocabulary"));
  EXPECT_THAT(refused_with(128 + 4, 4), HasSubstr("out of order"));  // an empty sentence
  EXPECT_THAT(refused_with(144 + 4, 9), HasSubstr("out of order"));  // past the last sentence
  EXPECT_THAT(refused_with(12, 3), HasSubstr("contradict"));         // 3 bytes an id
  EXPECT_THAT(refused_with(bytes.size() - 1, 127), HasSubstr("counts of the tokens"));
  EXPECT_THAT(refused_with(64 + 7, 127), HasSubstr("contradict"));  // 2^62 tokens
  EXPECT_THAT(refused_with(24 + 7, 127), HasSubstr("contradict"));  // 2^62 vocabulary entries
  EXPECT_THAT(refused_with(8, 2), HasSubstr("version 2, expected 1"));
}

TEST(Shard, NamesAFileOfAnotherKind) {
  const TemporaryFolder folder;
  write_bytes(folder.file("a"), std::string(500, 'x'));
  EXPECT_THAT(refusal(folder.file("a")), HasSubstr("not a token shard"));
  EXPECT_THAT(refusal(folder.file("none")), HasSubstr("No such file"));
}

TEST(ListShards, FindsTheShardsOfAPrefixInOrder) {
  const TemporaryFolder folder;
  for (const char* name : {"train-00010.shard", "train-00002.shard", "train-100000.shard",
                           "train-00003.shard.tmp-17", "train-2.shard", "train-0000x.shard",
                           "train-000002.shard", "retrain-00001.shard", "train-a-00004.shard"})
    write_bytes(folder.file(name), "");
  const auto shards = list_shards(folder.file("train"));
  ASSERT_EQ(shards.size(), 3u);
  EXPECT_EQ(shards[0], std::make_pair(int64_t{2}, folder.file("train-00002.shard")));
  EXPECT_EQ(shards[1].first, 10);
  EXPECT_EQ(shards[2], std::make_pair(int64_t{100000}, folder.file("train-100000.shard")));
  EXPECT_TRUE(list_shards(folder.file("none/train")).empty());
}

}  // namespace
}  // namespace linformer
