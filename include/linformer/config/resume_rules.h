#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "linformer/config/fields.h"

namespace linformer {

/// What happens where a run that goes on has another value of a key than its checkpoint was made
/// with.
enum class ResumeRule {
  kRefuse,    ///< the run would not be the same one
  kContent,   ///< the value is free; what it leads to is compared
  kWarn,      ///< taken, with a warning: the rest of the run differs
  kWarnRate,  ///< likewise, with the learning rate before and after
  kHeldOut,   ///< taken, with a warning: scores no longer compare, so the best one begins anew
  kApply,     ///< taken: what is learned stays the same
};

enum class RunKind { kPretraining, kFinetuning };

/// Keys that share a rule and the reason for it.
struct ResumeGroup {
  ResumeRule rule;
  std::string_view why;
  std::vector<std::string_view> keys;
};

/// The one place that decides: every key of a run's configuration is in one of the groups. The
/// first is what a kind of run has of its own, the second what both have.
const std::vector<ResumeGroup>& own_resume_groups(RunKind kind);
const std::vector<ResumeGroup>& common_resume_groups();

/// The group of a key. Throws std::logic_error if nobody has decided about it.
const ResumeGroup& resume_group(RunKind kind, const std::string& key);

/// Values by key, as YAML writes them.
using Settings = std::map<std::string, std::string>;

/// What a checkpoint remembers of a configuration: the values that are compared when it goes on.
Settings compared_settings(RunKind kind, const FieldList& fields);

/// Sets the fields that `settings` names, of a configuration of the same kind.
void apply_settings(const FieldList& fields, const Settings& settings);

struct SettingChange {
  std::string key, before, now;
  ResumeRule rule;
  std::string_view why;
};

/// What differs, in the order of the keys. A key that `before` does not have (it is newer than the
/// checkpoint) does not count.
std::vector<SettingChange> changed_settings(RunKind kind, const Settings& before,
                                            const Settings& now);

}  // namespace linformer
