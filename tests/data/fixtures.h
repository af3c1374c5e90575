#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/temporary_folder.h"

#include "linformer/core/random.h"
#include "linformer/data/token_shard.h"

namespace linformer {

using Sentences = std::vector<std::vector<int32_t>>;
using Documents = std::vector<Sentences>;

/// Documents of 1 to 6 sentences of 1 to `longest` ordinary ids, the same for the same key.
inline Documents random_documents(uint64_t key, size_t count, int64_t vocab_size,
                                  uint64_t longest = 12) {
  RandomStream random(RandomPurpose::kTest, {key});
  Documents documents(count);
  for (Sentences& document : documents) {
    document.resize(1 + random.below(6));
    for (auto& sentence : document) {
      sentence.resize(1 + random.below(longest));
      for (int32_t& id : sentence)
        id = static_cast<int32_t>(4 + random.below(static_cast<uint64_t>(vocab_size - 5)));
    }
  }
  return documents;
}

inline std::vector<int32_t> flatten(const Documents& documents) {
  std::vector<int32_t> ids;
  for (const Sentences& document : documents)
    for (const auto& sentence : document) ids.insert(ids.end(), sentence.begin(), sentence.end());
  return ids;
}

/// Writes documents as `num_shards` shards of about equal numbers of documents.
inline void write_shards(const std::string& prefix, const Documents& documents, int64_t num_shards,
                         const ShardSettings& settings, bool mark_last = true) {
  for (int64_t i = 0; i < num_shards; ++i) {
    ShardWriter writer(shard_path(prefix, i), i, settings);
    const auto size = static_cast<int64_t>(documents.size());
    for (int64_t d = size * i / num_shards; d < size * (i + 1) / num_shards; ++d)
      writer.append_document(documents[static_cast<size_t>(d)], 100);
    writer.commit(mark_last && i + 1 == num_shards);
  }
}

}  // namespace linformer
