#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data_progress.h"

#include "linformer/data/token_shard.h"
#include "linformer/text/corpus_encoder.h"

namespace linformer {

/// The shards that a run writes: those with index % num_parts == part - 1.
struct PartOfSet {
  int64_t part = 1;  ///< from 1 to num_parts
  int64_t num_parts = 1;

  bool holds(int64_t shard) const { return shard % num_parts == part - 1; }
};

/// "2/8"; throws UsageError.
PartOfSet parse_part(const std::string& text);

enum class ExistingShards {
  kKeepEqual,  ///< keep complete shards of the same input and settings, refuse others
  kReplace,    ///< write all again, and replace the old ones at the end
};

/// Thrown by progress() after a stop signal, when all complete shards have been kept.
struct Stopped {};

/// Writes the shards PREFIX-00000.shard, ... of an encoded corpus.
///
/// Each shard gets its name only when it is complete. A reader refuses the set while the last shard
/// is missing. So an interrupted run leaves nothing that looks finished, and the next run keeps its
/// complete shards. To replace a set, the new shards are written under PREFIX.new and renamed when
/// all of this part exist: a full disk or a kill leaves the old set intact.
class ShardSetWriter : public CorpusSink {
 public:
  /// Examines the existing shards and verifies the complete ones. Throws RunError if shards of
  /// other input or settings exist and may not be replaced.
  ShardSetWriter(std::string prefix, const ShardSettings& settings, PartOfSet part,
                 ExistingShards existing, uint64_t total_input_bytes);

  bool wants(uint64_t shard) const override;
  void take(const EncodedDocuments& documents) override;
  void end_shard(const ShardText& text) override;
  void progress(uint64_t consumed_bytes) override;

  /// Moves the new shards into place and removes old ones beyond the end. Call once, at the end.
  void publish();

  /// The counts of what this run encoded.
  const CorpusCounts& counts() const { return counts_; }
  int64_t num_shards() const { return num_shards_; }  ///< of the whole set
  size_t num_kept() const { return num_kept_; }
  double seconds() const { return progress_.seconds(); }
  void clear_progress() { progress_.clear(); }

 private:
  void look_at(const std::string& prefix, bool may_differ);

  std::string prefix_;
  std::string target_;  // prefix of the shards being written: prefix_ or PREFIX.new
  ShardSettings settings_;
  PartOfSet part_;
  std::map<int64_t, std::string> whole_;  // complete shards of the same settings
  std::unique_ptr<ShardWriter> writer_;
  std::vector<std::vector<int32_t>> sentences_;
  CorpusCounts counts_;
  DataProgress progress_;
  int64_t num_shards_ = 0;
  size_t num_kept_ = 0;
};

}  // namespace linformer
