#include "linformer/config/flat_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/test_files.h"
#include "core/temporary_folder.h"

#include "linformer/config/config_file.h"
#include "linformer/config/pretrain_config.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(FlatYaml, GivesEveryValueItsFullKeyInTheOrderOfTheFile) {
  const TemporaryFolder folder;
  const std::string path = write_bytes(folder.file("a.yaml"), R"(
run: {dir: runs/a, seed: 1}
data:
  train: [x, y z]
  weights: []
  deep: {er: {value: 1.0e-3, list: [{a: 1, b: [2, 3]}]}}
empty: ""
none: null
)");
  EXPECT_THAT(
      read_flat_yaml(path),
      ElementsAre(Pair("run.dir", "runs/a"), Pair("run.seed", "1"), Pair("data.train", "[x, y z]"),
                  Pair("data.weights", "[]"), Pair("data.deep.er.value", "1.0e-3"),
                  Pair("data.deep.er.list", "[{a: 1, b: [2, 3]}]"), Pair("empty", "\"\""),
                  Pair("none", "null")));
}

TEST(FlatYaml, HasALineForEachFieldOfAConfiguration) {
  const TemporaryFolder folder;
  const PretrainConfig config;
  const std::string path = write_bytes(folder.file("config.yaml"), dump_yaml(config));
  PretrainConfig copy = config;
  const std::string lines = settings_text(fields_of(copy));
  const auto flat = read_flat_yaml(path);
  EXPECT_EQ(flat.size(), static_cast<size_t>(std::count(lines.begin(), lines.end(), '\n')));
  for (const auto& [key, value] : flat) EXPECT_THAT(lines, HasSubstr(key + ": " + value + "\n"));
}

TEST(FlatYaml, RefusesWhatIsNoSectionOfKeys) {
  const TemporaryFolder folder;
  for (const char* text : {"[1, 2]", "a: [", "word", "a: &x [*x]"}) {
    const std::string path = write_bytes(folder.file("a.yaml"), text);
    EXPECT_THAT(message_of<UsageError>([&] { read_flat_yaml(path); }), HasSubstr(path)) << text;
  }
  EXPECT_THROW(read_flat_yaml(folder.file("none.yaml")), UsageError);
}

}  // namespace
}  // namespace linformer
