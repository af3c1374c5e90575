#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "linformer/config/fields.h"

namespace linformer {

/// What happens if a key of a resumed run differs from the value that its checkpoint was written
/// with.
enum class ResumeRule {
  kRefuse,    ///< refused: it would be another run
  kContent,   ///< the value may change; the content that it names is compared
  kWarn,      ///< accepted with a warning: the rest of the run differs
  kWarnRate,  ///< the same, and the warning has the learning rates before and after
  kHeldOut,   ///< accepted with a warning: scores are not comparable, so the best one is forgotten
  kApply,     ///< accepted: what is learned stays the same
};

enum class RunKind { kPretraining, kFinetuning };

/// Keys that share a rule and the reason for it. "section.*" stands for all keys of a section, and
/// of the sections in it, that no group names more closely.
struct ResumeGroup {
  ResumeRule rule;
  std::string_view why;
  std::vector<std::string_view> keys;
};

/// The rules for every key of a run's configuration. A key belongs to the group that names it most
/// closely; of two that name it equally, the group of the kind of run wins. The first function
/// gives the groups of one kind of run alone, the second those of both kinds.
const std::vector<ResumeGroup>& own_resume_groups(RunKind kind);
const std::vector<ResumeGroup>& common_resume_groups();

/// The group of a key. Throws std::logic_error if no group has it.
const ResumeGroup& resume_group(RunKind kind, const std::string& key);

/// Values by key, as YAML writes them.
using Settings = std::map<std::string, std::string>;

/// The values of a configuration that a checkpoint stores and that are compared when it is resumed.
Settings compared_settings(RunKind kind, const FieldList& fields);

/// Sets the fields that `settings` names. They have to come from a configuration of the same kind.
void apply_settings(const FieldList& fields, const Settings& settings);

struct SettingChange {
  std::string key, before, now;
  ResumeRule rule;
  std::string_view why;
};

/// The differences, in the order of the keys. A key that `before` does not have (it is newer than
/// the checkpoint) does not count.
std::vector<SettingChange> changed_settings(RunKind kind, const Settings& before,
                                            const Settings& now);

}  // namespace linformer
