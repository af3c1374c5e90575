#include "linformer/config/expected_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/test_files.h"
#include "core/temporary_folder.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using testing::HasSubstr;

ExpectedCurve example() {
  ExpectedCurve curve;
  curve.configuration = "sample";
  curve.seeds = {"1", "2", "3"};
  curve.machine = "a \"processor\" \\ 2 cores";
  curve.version = "0.1.0";
  curve.date = "2026-01-02";
  curve.train_data = "00ff";
  curve.valid_data = "12ab";
  curve.settings = {{"training.optimizer.betas", "[0.9, 0.98]"}, {"run.init_from", "\"\""}};
  curve.points = {{200, 4000, {5.0, 0.25, 4.5, 5.5}, {6.0, 0.5, 5.0, 7.0}},
                  {400, 8000, {4.0, 0.125, 3.75, 4.25}, {4.5, 0.25, 4.0, 5.0}}};
  return curve;
}

TEST(ExpectedFile, ReadsBackWhatItWrote) {
  const TemporaryFolder folder;
  ExpectedCurve curve = example();
  curve.path = write_bytes(folder.file("sample.yaml"), to_yaml(curve));
  EXPECT_EQ(read_expected_file(curve.path), curve);
  // exp(4) = 54.6, exp(3.75) = 42.52, exp(4.25) = 70.11
  EXPECT_THAT(to_yaml(curve), HasSubstr("perplexity 54.6, 42.52 to 70.11"));
}

TEST(ExpectedFile, RefusesWhatIsWrongAndNamesThePlace) {
  const TemporaryFolder folder;
  const std::string whole = to_yaml(example());
  const auto message = [&](const std::string& what, const std::string& by) {
    std::string text = whole;
    EXPECT_NE(text.find(what), std::string::npos) << what;
    text.replace(text.find(what), what.size(), by);
    const std::string path = write_bytes(folder.file("a.yaml"), text);
    const std::string found = message_of<UsageError>([&] { read_expected_file(path); });
    EXPECT_THAT(found, HasSubstr(path + ":")) << by;
    return found;
  };
  EXPECT_THAT(message("[5, 0.25, 4.5, 5.5]", "[5, 0.25, 4.5]"), HasSubstr("four numbers"));
  EXPECT_THAT(message("[5, 0.25, 4.5, 5.5]", "[5, x, 4.5, 5.5]"), HasSubstr("'x' is not a number"));
  EXPECT_THAT(message("[5, 0.25, 4.5, 5.5]", "[4, 0.25, 4.5, 5.5]"), HasSubstr("between low and"));
  EXPECT_THAT(message("step: 400", "step: 200"), HasSubstr("go up"));
  EXPECT_THAT(message("tokens: 8000", "tokens: 3"), HasSubstr("go up"));
  EXPECT_THAT(message("step: 200, ", ""), HasSubstr("step and tokens"));
  EXPECT_THAT(message("seeds:", "seedz:"), HasSubstr("unknown key seedz"));
  EXPECT_THAT(message("configuration: \"sample\"\n", ""), HasSubstr("configuration"));
  EXPECT_THAT(message("\"[0.9, 0.98]\"", "[0.9, 0.98]"), HasSubstr("in quotes"));
  const std::string other = write_bytes(folder.file("run.yaml"), "run: {seed: 1}\n");
  EXPECT_THAT(message_of<UsageError>([&] { read_expected_file(other); }),
              HasSubstr("run.yaml: is no expected curve"));
}

}  // namespace
}  // namespace linformer
