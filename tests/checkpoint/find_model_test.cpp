#include "linformer/checkpoint/find_model.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/test_files.h"
#include "core/temporary_folder.h"

#include "linformer/checkpoint/checkpoint_store.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/log.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kMaskedLm = "{\"architectures\": [\"RobertaForMaskedLM\"]}";
constexpr const char* kClassifier =
    "{\"architectures\": [\"RobertaForSequenceClassification\"], "
    "\"id2label\": {\"0\": \"a\", \"1\": \"b\"}}";

class FindModelTest : public ::testing::Test {
 protected:
  FindModelTest() { add_log_file(log_); }

  /// Checkpoints of steps 1, 2 and 3, of which 1 is the best.
  CheckpointStore run_of(const char* config) const {
    CheckpointConfig settings;
    settings.keep_last = 3;
    CheckpointStore store(checkpoints_, settings);
    for (const int64_t step : {1, 2, 3}) {
      store.save(step, [config](const std::string& folder) {
        write_bytes(folder + "/config.json", config);
        write_bytes(folder + "/model.safetensors", "x");
      });
    }
    store.mark_best(1);
    return store;
  }

  /// What find_model_folder() says about its choice.
  void expect_says(const std::string& text) const {
    const std::string log = read_bytes(log_);
    EXPECT_THAT(log.substr(log.rfind("info: model: ")), HasSubstr(text));
  }

  TemporaryFolder folder_;
  std::string checkpoints_ = folder_.file("checkpoints");
  std::string log_ = folder_.file("log.txt");
};

TEST_F(FindModelTest, OfAFineTunedRunTheBest) {
  const CheckpointStore store = run_of(kClassifier);
  for (const std::string& path : {folder_.path(), checkpoints_}) {
    EXPECT_EQ(find_model_folder(path), store.folder_of(1));
    expect_says(store.folder_of(1) + ", the best checkpoint of the fine-tuned run");
  }
  EXPECT_EQ(find_model_folder(store.folder_of(2)), store.folder_of(2));  // it was named
  expect_says(store.folder_of(2) + "\n");
  write_bytes(store.folder_of(1) + "/model.safetensors", "y");
  EXPECT_THAT(message_of<RunError>([&] { find_model_folder(folder_.path()); }),
              HasSubstr("model.safetensors is damaged"));
  fs::remove(checkpoints_ + "/best");
  EXPECT_EQ(find_model_folder(folder_.path()), store.folder_of(3));
  expect_says("the newest checkpoint: none is marked as the best");
}

TEST_F(FindModelTest, OfAPretrainingRunTheNewestWholeOne) {
  const CheckpointStore store = run_of(kMaskedLm);
  for (const std::string& path : {folder_.path(), checkpoints_}) {
    EXPECT_EQ(find_model_folder(path), store.folder_of(3));
    expect_says(store.folder_of(3) + ", the newest checkpoint of the run");
  }
  write_bytes(store.folder_of(3) + "/model.safetensors", "y");
  EXPECT_EQ(find_model_folder(folder_.path()), store.folder_of(2));
}

TEST_F(FindModelTest, AModelFolderIsItself) {
  const CheckpointStore store = run_of(kMaskedLm);
  EXPECT_EQ(find_model_folder(checkpoints_ + "/latest"), checkpoints_ + "/latest");
  const std::string plain = folder_.file("plain");
  fs::create_directory(plain);
  EXPECT_THAT(message_of<UsageError>([&] { find_model_folder(plain); }),
              HasSubstr(plain + ": holds no model"));
  write_bytes(plain + "/config.json", "{}");
  EXPECT_EQ(find_model_folder(plain), plain);  // of another program: no manifest to hold it to
  EXPECT_THAT(message_of<UsageError>([&] { find_model_folder(folder_.file("none")); }),
              HasSubstr("there is no such folder"));
  write_bytes(store.folder_of(3) + "/model.safetensors", "y");
  EXPECT_THAT(message_of<RunError>([&] { find_model_folder(store.folder_of(3)); }),
              HasSubstr("model.safetensors is damaged"));
}

}  // namespace
}  // namespace linformer
