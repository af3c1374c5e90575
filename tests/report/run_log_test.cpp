#include "linformer/report/run_log.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "config/test_files.h"
#include "core/temporary_folder.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> event_files(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string path = entry.path().string();
    if (path.find("events.out.tfevents.") != std::string::npos) paths.push_back(path);
  }
  return paths;
}

TEST(RunLog, WritesBothFormatsAndDropsLaterLines) {
  const TemporaryFolder folder;
  {
    RunLog log(folder.path(), TensorBoard::kOn);
    EXPECT_EQ(log.start_session(0, 0, "a: 1\nb: 2\n"), 0);
    for (int step = 1; step <= 3; ++step) log.write({{"step", step}, {"loss", 1.0}});
  }
  const auto files = event_files(folder.path());
  ASSERT_EQ(files.size(), 1u);
  const std::string events = read_bytes(files.front());
  EXPECT_NE(events.find("train/loss"), std::string::npos);
  EXPECT_NE(events.find("    a: 1\n    b: 2\n"), std::string::npos);
  RunLog resumed(folder.path(), TensorBoard::kOn);
  EXPECT_EQ(resumed.start_session(1, 23, ""), 2);
  EXPECT_EQ(read_bytes(folder.file("log.jsonl")), "{\"step\":1,\"loss\":1.0}\n");
  EXPECT_EQ(event_files(folder.path()).size(), 2u);
}

TEST(RunLog, LeavesEventFilesOutOnRequest) {
  const TemporaryFolder folder;
  RunLog log(folder.path(), TensorBoard::kOff);
  log.start_session(0, 0, "a: 1");
  log.write({{"step", 1}});
  EXPECT_TRUE(event_files(folder.path()).empty());
  EXPECT_EQ(read_bytes(folder.file("log.jsonl")), "{\"step\":1}\n");
}

TEST(RunLog, ConstantsAreInEachLineAndOnceInAnEventFile) {
  const TemporaryFolder folder;
  RunLog log(folder.path(), TensorBoard::kOn);
  log.start_session(0, 0, "a: 1");
  for (int step = 1; step <= 2; ++step) {
    log.write({{"step", step}, {"valid_loss", 1.0}}, {{"mask_seed", 7}});
  }
  EXPECT_EQ(read_bytes(folder.file("log.jsonl")),
            "{\"step\":1,\"valid_loss\":1.0,\"mask_seed\":7}\n"
            "{\"step\":2,\"valid_loss\":1.0,\"mask_seed\":7}\n");
  const std::string events = read_bytes(event_files(folder.path()).front());
  EXPECT_EQ(events.find("mask_seed"), events.rfind("mask_seed"));
  EXPECT_NE(events.find("{\"mask_seed\":7}"), std::string::npos);
  EXPECT_EQ(events.find("train/mask_seed"), std::string::npos);
}

TEST(RunLog, SettingsAreWrittenByTheFirstSessionAlone) {
  const TemporaryFolder folder;
  const Settings settings{{"model.hidden_size", "128"}};
  const auto has_settings = [&](const std::string& path) {
    return read_bytes(path).find("_hparams_/session_start_info") != std::string::npos;
  };
  RunLog first(folder.path(), TensorBoard::kOn);
  first.start_session(0, 0, "a: 1", settings);
  const std::string path = event_files(folder.path()).front();
  EXPECT_TRUE(has_settings(path));
  RunLog second(folder.path(), TensorBoard::kOn);
  second.start_session(5, 0, "a: 1", settings);
  for (const std::string& file : event_files(folder.path())) {
    EXPECT_EQ(has_settings(file), file == path) << file;
  }
}

}  // namespace
}  // namespace linformer
