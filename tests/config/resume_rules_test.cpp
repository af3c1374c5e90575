#include "linformer/config/resume_rules.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <type_traits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/test_files.h"

#include "linformer/config/config_file.h"
#include "linformer/config/finetune_config.h"
#include "linformer/config/pretrain_config.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Every key of a configuration, with its field.
void list_fields(const FieldList& fields, const std::string& prefix,
                 std::vector<std::pair<std::string, FieldTarget>>& all) {
  for (const Field& field : fields) {
    const std::string key = prefix + field.name;
    if (const auto* section = std::get_if<FieldList>(&field.target)) {
      list_fields(*section, key + ".", all);
    } else {
      all.emplace_back(key, field.target);
    }
  }
}

template <class C>
std::vector<std::pair<std::string, FieldTarget>> all_fields(C& config) {
  std::vector<std::pair<std::string, FieldTarget>> all;
  list_fields(fields_of(config), "", all);
  return all;
}

/// Gives a field a value that it has not.
struct Change {
  void operator()(bool* value) const { *value = !*value; }
  void operator()(int64_t* value) const { ++*value; }
  void operator()(double* value) const { *value += 0.25; }
  void operator()(std::string* value) const { *value += "x"; }
  void operator()(std::vector<std::string>* value) const { value->push_back("x"); }
  void operator()(std::vector<double>* value) const { value->push_back(0.25); }
  void operator()(const OptionalTarget<int64_t>& target) const {
    *target.value = target.value->value_or(0) + 1;
  }
  void operator()(const OptionalTarget<double>& target) const {
    *target.value = target.value->value_or(0.0) + 0.25;
  }
  void operator()(NestedNumbers* value) const { *value = NestedNumbers{7}; }
  void operator()(const EnumTarget& target) const {
    target.set((target.get() + 1) % target.names.size());
  }
  void operator()(const EnumListTarget& target) const { target.set({0, 0}); }
  void operator()(const FieldList& section) const { FAIL() << section.size(); }
};

template <class C>
void expect_every_key_is_decided(RunKind kind) {
  C config;
  std::set<std::string> keys;
  std::set<const ResumeGroup*> used;
  for (const auto& [key, target] : all_fields(config)) {
    keys.insert(key);
    used.insert(&resume_group(kind, key));
  }
  std::set<std::string_view> named;
  for (const auto* list : {&own_resume_groups(kind), &common_resume_groups()}) {
    for (const ResumeGroup& group : *list) {
      EXPECT_TRUE(used.count(&group)) << group.why << ": no key";
      for (const std::string_view key : group.keys) {
        EXPECT_TRUE(named.insert(key).second) << key << " is named twice";
        const std::string section(key.substr(0, key.find('*')));
        const bool known = key.ends_with(".*") ? keys.lower_bound(section) != keys.end() &&
                                                     keys.lower_bound(section)->starts_with(section)
                                               : keys.count(section) > 0;
        EXPECT_TRUE(known) << key << " is not a key";
      }
    }
  }
}

TEST(ResumeRules, EveryKeyIsDecidedOnce) {
  expect_every_key_is_decided<PretrainConfig>(RunKind::kPretraining);
  expect_every_key_is_decided<FinetuneConfig>(RunKind::kFinetuning);
  EXPECT_THROW(resume_group(RunKind::kPretraining, "new.key"), std::logic_error);
  // A new key of a section has the section's rule, and the closest name decides.
  EXPECT_EQ(resume_group(RunKind::kPretraining, "model.attention.new").rule, ResumeRule::kRefuse);
  EXPECT_EQ(resume_group(RunKind::kPretraining, "training.new").rule, ResumeRule::kWarn);
  EXPECT_EQ(resume_group(RunKind::kPretraining, "training.schedule.new").rule,
            ResumeRule::kWarnRate);
  EXPECT_EQ(resume_group(RunKind::kPretraining, "evaluation.new").rule, ResumeRule::kHeldOut);
  EXPECT_EQ(resume_group(RunKind::kPretraining, "evaluation.every").rule, ResumeRule::kApply);
}

template <class C>
void expect_each_change_is_seen(RunKind kind) {
  C plain;
  const Settings before = compared_settings(kind, fields_of(plain));
  const size_t count = all_fields(plain).size();
  for (size_t i = 0; i < count; ++i) {
    C changed;
    const auto [key, target] = all_fields(changed)[i];
    std::visit(Change{}, target);
    const Settings now = compared_settings(kind, fields_of(changed));
    const std::vector<SettingChange> changes = changed_settings(kind, before, now);
    const ResumeRule rule = resume_group(kind, key).rule;
    // An enum of one value cannot change.
    const auto* names = std::get_if<EnumTarget>(&target);
    if (rule == ResumeRule::kApply || rule == ResumeRule::kContent ||
        (names != nullptr && names->names.size() == 1)) {
      EXPECT_THAT(changes, IsEmpty()) << key;
      continue;
    }
    ASSERT_EQ(changes.size(), 1u) << key;
    EXPECT_EQ(changes.front().key, key);
    EXPECT_EQ(changes.front().rule, rule);
    EXPECT_EQ(changes.front().before, before.at(key));
    EXPECT_NE(changes.front().now, changes.front().before);
    // And back, to the last digit.
    apply_settings(fields_of(changed), before);
    EXPECT_EQ(compared_settings(kind, fields_of(changed)), before) << key;
  }
}

TEST(ResumeRules, AChangeOfAnyKeyIsSeenByItsRule) {
  expect_each_change_is_seen<PretrainConfig>(RunKind::kPretraining);
  expect_each_change_is_seen<FinetuneConfig>(RunKind::kFinetuning);
}

TEST(ResumeRules, AKeyThatTheCheckpointHasNotDoesNotCount) {
  PretrainConfig config;
  Settings before = compared_settings(RunKind::kPretraining, fields_of(config));
  before.erase("training.learning_rate");
  config.training.learning_rate = 1.0;
  config.run.seed = 2;
  const Settings now = compared_settings(RunKind::kPretraining, fields_of(config));
  const auto changes = changed_settings(RunKind::kPretraining, before, now);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes.front().key, "run.seed");
}

std::string in_words(ResumeRule rule) {
  switch (rule) {
    case ResumeRule::kRefuse:
      return "refused";
    case ResumeRule::kContent:
      return "content compared";
    case ResumeRule::kWarn:
      return "warning";
    case ResumeRule::kWarnRate:
      return "warning with both rates";
    case ResumeRule::kHeldOut:
      return "warning, best anew";
    case ResumeRule::kApply:
      return "taken";
  }
  return "";
}

std::string table_of(const std::vector<ResumeGroup>& groups) {
  std::string table = "| keys | what happens | why |\n|---|---|---|\n";
  for (const ResumeGroup& group : groups) {
    std::string keys;
    for (const std::string_view key : group.keys) {
      keys += (keys.empty() ? "`" : ", `") + std::string(key) + "`";
    }
    table += "| " + keys + " | " + in_words(group.rule) + " | " + std::string(group.why) + " |\n";
  }
  return table;
}

TEST(ResumeRules, AreWhatTheDocumentationShows) {
  const std::string page = read_bytes(std::string(LINFORMER_SOURCE_DIR) + "/docs/resuming.md");
  EXPECT_THAT(page, HasSubstr("## Both\n\n" + table_of(common_resume_groups()) + "\n"));
  EXPECT_THAT(page, HasSubstr("## Pre-training\n\n" +
                              table_of(own_resume_groups(RunKind::kPretraining)) + "\n"));
  EXPECT_THAT(page,
              HasSubstr("## Fine-tuning\n\n" + table_of(own_resume_groups(RunKind::kFinetuning))));
}

}  // namespace
}  // namespace linformer
