#include "linformer/config/ranges.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/config/config_file.h"
#include "linformer/config/finetune_config.h"
#include "linformer/config/pretrain_config.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Range, SaysWhatItTakes) {
  EXPECT_EQ(range_text(between(0, 1000)), "0 to 1000");
  EXPECT_EQ(range_text(between(8, 50).or_zero()), "0 or 8 to 50");
  EXPECT_EQ(range_text(at_least(1)), "at least 1");
  EXPECT_EQ(range_text(between(1, kLargestStep)), "1 to 2^50");
  EXPECT_EQ(range_text(between(1, kLargestStep - 1)), "1 to 1125899906842623");
  EXPECT_EQ(range_text(positive()), "above 0");
  EXPECT_EQ(range_text(at_least(0.5)), "at least 0.5");
  EXPECT_EQ(range_text(share()), "at least 0 and below 1");
  EXPECT_EQ(range_text(positive().up_to(1e6)), "above 0 and at most 1000000");
  EXPECT_EQ(range_text({}), "");
}

TEST(Range, WholeNumbersIncludeBothEnds) {
  const WholeRange range = between(2, 5);
  EXPECT_EQ(range_problem(int64_t{1}, range), "1 is too small");
  EXPECT_EQ(range_problem(int64_t{2}, range), "");
  EXPECT_EQ(range_problem(int64_t{5}, range), "");
  EXPECT_EQ(range_problem(int64_t{6}, range), "6 is too large");
  EXPECT_EQ(range_problem(int64_t{0}, range), "0 is too small");
  EXPECT_EQ(range_problem(int64_t{0}, range.or_zero()), "");
  EXPECT_EQ(range_problem(int64_t{1}, range.or_zero()), "1 is too small");
  EXPECT_EQ(range_problem(int64_t{INT64_MAX}, at_least(0)), "");
}

TEST(Range, NumbersIncludeTheEndsThatTheyName) {
  EXPECT_EQ(range_problem(0.0, share()), "");
  EXPECT_EQ(range_problem(-0.25, share()), "-0.25 is below 0");
  EXPECT_EQ(range_problem(1.0, share()), "1 is not below 1");
  EXPECT_EQ(range_problem(0.0, positive()), "0 is not above 0");
  EXPECT_EQ(range_problem(1e300, positive()), "");
  EXPECT_EQ(range_problem(1.0, positive().up_to(1.0)), "");
  EXPECT_EQ(range_problem(1.5, positive().up_to(1.0)), "1.5 is above 1");
  for (const NumberRange& range : {share(), positive(), at_least(0.0)}) {
    EXPECT_NE(range_problem(NAN, range), "");
    EXPECT_NE(range_problem(INFINITY, range), "");
  }
}

struct Inner {
  std::optional<double> rate;
  std::vector<double> weights{0.5};

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("rate", config.rate, "a rate", positive(), "auto");
    field("weights", config.weights, "weights", share());
  }
};

struct Outer {
  int64_t count = 1;
  Inner inner;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("count", config.count, "a count", between(1, 9));
    field("inner", config.inner, "a section");
  }
};

std::string refusal(Outer config) {
  return message_of<UsageError>([&] { check_ranges(fields_of(config), "top."); });
}

TEST(CheckRanges, NamesKeyValueAndRange) {
  Outer config;
  EXPECT_NO_THROW(check_ranges(fields_of(config), ""));
  config.inner.rate = 0.0;
  EXPECT_EQ(refusal(config),
            "top.inner.rate: 0 is not above 0\n  fix: give a number, above 0, or auto");
  config.inner = {{}, {0.5, 1.0}};
  EXPECT_EQ(refusal(config),
            "top.inner.weights: 1 is not below 1\n"
            "  fix: give a list of numbers, each at least 0 and below 1");
  config.count = 10;
  EXPECT_EQ(refusal(config), "top.count: 10 is too large\n  fix: give a whole number, 1 to 9");
}

void add_unlimited(const FieldList& fields, const std::string& prefix,
                   std::vector<std::string>& keys) {
  for (const Field& field : fields) {
    const FieldTarget& target = field.target;
    if (const auto* section = std::get_if<FieldList>(&target)) {
      add_unlimited(*section, prefix + field.name + ".", keys);
    }
    const bool is_number = std::holds_alternative<int64_t*>(target) ||
                           std::holds_alternative<double*>(target) ||
                           std::holds_alternative<std::vector<double>*>(target) ||
                           std::holds_alternative<OptionalTarget<int64_t>>(target) ||
                           std::holds_alternative<OptionalTarget<double>>(target);
    if (is_number && std::holds_alternative<std::monostate>(field.range)) {
      keys.push_back(prefix + field.name);
    }
  }
}

template <class C>
std::vector<std::string> unlimited_keys() {
  C config;
  std::vector<std::string> keys;
  add_unlimited(fields_of(config), "", keys);
  return keys;
}

// The window is limited where the kind of attention has one.
TEST(CheckRanges, EveryNumberIsDeclaredWithItsRange) {
  EXPECT_THAT(unlimited_keys<PretrainConfig>(), ElementsAre("model.attention.attention_window"));
  EXPECT_THAT(unlimited_keys<FinetuneConfig>(), IsEmpty());
}

}  // namespace
}  // namespace linformer
