#include "linformer/checkpoint/checkpoint_store.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/test_files.h"
#include "core/temporary_folder.h"

#include "linformer/checkpoint/find_model.h"
#include "linformer/checkpoint/manifest.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/log.h"
#include "linformer/core/mark_file.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CheckpointStoreTest : public ::testing::Test {
 protected:
  CheckpointStore store(const CheckpointConfig& config = {}) const {
    return CheckpointStore(checkpoints_, config);
  }

  static CheckpointStore::Writer content(const std::string& text) {
    return [text](const std::string& folder) {
      write_file_atomically(folder + "/config.json", "{}");
      write_file_atomically(folder + "/model.safetensors", text);
      make_directories(folder + "/training");
      write_bytes(folder + "/training/state.json", "{}");
    };
  }

  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(checkpoints_)) {
      found.push_back(entry.path().filename().string());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  TemporaryFolder folder_;
  std::string checkpoints_ = folder_.file("checkpoints");
};

TEST_F(CheckpointStoreTest, SavesAWholeFolderWithALinkToIt) {
  CheckpointStore checkpoints = store();
  checkpoints.prepare();
  EXPECT_EQ(checkpoints.newest_whole(), std::nullopt);
  const std::string saved = checkpoints.save(1000, content("weights"));
  EXPECT_EQ(saved, checkpoints_ + "/step-00001000");
  EXPECT_THAT(names(), ElementsAre("latest", "step-00001000"));
  EXPECT_EQ(fs::read_symlink(checkpoints_ + "/latest"), "step-00001000");
  EXPECT_EQ(find_damage(checkpoints_ + "/latest"), std::nullopt);
  EXPECT_EQ(read_bytes(saved + "/model.safetensors"), "weights");
  EXPECT_EQ(checkpoints.newest_whole()->step, 1000);
}

TEST_F(CheckpointStoreTest, ReplacesACheckpointOfTheSameStep) {
  CheckpointStore checkpoints = store();
  checkpoints.save(5, content("old"));
  checkpoints.save(5, content("new"));
  EXPECT_THAT(names(), ElementsAre("latest", "step-00000005"));
  EXPECT_EQ(read_bytes(checkpoints_ + "/latest/model.safetensors"), "new");
}

TEST_F(CheckpointStoreTest, KeepsTheLastTheBestAndTheMilestones) {
  CheckpointConfig config;
  config.keep_last = 2;
  config.keep_every = 40;
  CheckpointStore checkpoints = store(config);
  for (int64_t step = 10; step <= 90; step += 10) {
    checkpoints.save(step, content("x"));
    if (step == 30) checkpoints.mark_best(step);
  }
  EXPECT_THAT(checkpoints.steps(), ElementsAre(30, 40, 80, 90));
  EXPECT_EQ(checkpoints.best()->step, 30);
  checkpoints.mark_best(90);  // the old best goes with the next save
  checkpoints.save(100, content("x"));
  EXPECT_THAT(checkpoints.steps(), ElementsAre(40, 80, 90, 100));
  EXPECT_EQ(fs::read_symlink(checkpoints_ + "/best"), "step-00000090");
}

TEST_F(CheckpointStoreTest, BestNeedsACheckpointAndCanBeOff) {
  CheckpointConfig config;
  CheckpointStore checkpoints = store(config);
  EXPECT_THAT(message_of<RunError>([&] { checkpoints.mark_best(7); }),
              HasSubstr("step-00000007: there is no such checkpoint"));
  config.keep_best = false;
  CheckpointStore without = store(config);
  without.save(1, content("x"));
  without.mark_best(1);
  EXPECT_EQ(without.best(), std::nullopt);
}

TEST_F(CheckpointStoreTest, AFailedSaveLeavesEverythingAsItWas) {
  CheckpointStore checkpoints = store();
  checkpoints.save(1, content("good"));
  const auto failing = [](const std::string& folder) {
    write_bytes(folder + "/model.safetensors", "half");
    fail_run(folder, "boom", "none");
  };
  EXPECT_THAT(message_of<RunError>([&] { checkpoints.save(2, failing); }), HasSubstr("boom"));
  EXPECT_THAT(message_of<RunError>([&] { checkpoints.save(1, failing); }), HasSubstr("boom"));
  EXPECT_THAT(names(), ElementsAre("latest", "step-00000001"));
  EXPECT_EQ(read_bytes(checkpoints_ + "/latest/model.safetensors"), "good");
}

TEST_F(CheckpointStoreTest, ErrorsOfTheStandardLibraryBecomeErrorsForPeople) {
  CheckpointStore checkpoints = store();
  const auto failing = [](const std::string& folder) {
    fs::copy_file(folder + "/absent", folder + "/tokenizer.model");
  };
  EXPECT_THAT(message_of<RunError>([&] { checkpoints.save(2, failing); }),
              HasSubstr("cannot write the checkpoint"));
}

TEST_F(CheckpointStoreTest, AProcessKilledWhileSavingLeavesOnlyWhatPrepareRemoves) {
  store().save(1, content("good"));
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    store().save(2, [](const std::string& folder) {
      write_bytes(folder + "/model.safetensors", "half");
      kill(getpid(), SIGKILL);
    });
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(names().size(), 3u);  // the temporary folder is there, but under no step's name
  CheckpointStore next = store();
  EXPECT_EQ(next.newest_whole()->step, 1);
  next.prepare();
  EXPECT_THAT(names(), ElementsAre("latest", "step-00000001"));
}

TEST_F(CheckpointStoreTest, FallsBackToTheNewestWholeOneAndSaysWhy) {
  CheckpointConfig config;
  config.keep_last = 5;
  CheckpointStore checkpoints = store(config);
  for (int64_t step : {1, 2, 3, 4}) checkpoints.save(step, content("weights"));
  write_bytes(checkpoints.folder_of(4) + "/model.safetensors", "weightt");
  fs::remove(checkpoints.folder_of(3) + "/config.json");
  const std::string log = folder_.file("log.txt");
  add_log_file(log);
  EXPECT_EQ(checkpoints.newest_whole()->step, 2);
  const std::string text = read_bytes(log);
  EXPECT_THAT(text, HasSubstr("step-00000004: model.safetensors is damaged"));
  EXPECT_THAT(text, HasSubstr("step-00000003: config.json is missing"));
  // A run that resumed at 2 replaces the broken ones and does not lose 2 to retention meanwhile.
  config.keep_last = 1;
  CheckpointStore resumed = store(config);
  resumed.save(3, content("again"));
  EXPECT_THAT(resumed.steps(), ElementsAre(3, 4));
  EXPECT_EQ(resumed.newest_whole()->step, 3);
}

TEST_F(CheckpointStoreTest, GoesBackToAStepAndForgetsTheLaterOnes) {
  CheckpointConfig config;
  config.keep_last = 5;
  CheckpointStore checkpoints = store(config);
  for (const int64_t step : {10, 20, 30}) checkpoints.save(step, content("weights"));
  EXPECT_EQ(checkpoints.newest_whole(29)->step, 20);
  EXPECT_EQ(checkpoints.newest_whole(20)->step, 20);
  EXPECT_EQ(checkpoints.newest_whole(9), std::nullopt);
  checkpoints.discard_after(20);
  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{10, 20}));
}

TEST_F(CheckpointStoreTest, RefusesToStartOverWhereAllAreBroken) {
  CheckpointStore checkpoints = store();
  checkpoints.save(1, content("weights"));
  fs::remove(checkpoints.folder_of(1) + "/MANIFEST.json");
  EXPECT_THAT(message_of<RunError>([&] { checkpoints.newest_whole(); }),
              HasSubstr("none of its 1 checkpoints is valid"));
}

TEST_F(CheckpointStoreTest, RefusesToBeginWhatTheDiskCannotHold) {
  CheckpointStore checkpoints = store();
  const std::string text =
      message_of<RunError>([&] { checkpoints.save(1, content("x"), size_t{1} << 60); });
  EXPECT_THAT(text, HasSubstr("left, the checkpoint takes"));
  EXPECT_TRUE(names().empty());
}

TEST_F(CheckpointStoreTest, IgnoresFoldersOfOtherNames) {
  for (const char* name : {"step-", "step-12x", "step--1", "other", "step-1.bak"}) {
    fs::create_directories(checkpoints_ + "/" + name);
  }
  EXPECT_EQ(store().newest_whole(), std::nullopt);
}

/// A file system of 256 KiB, where root may mount one.
class FullDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    mounted_ = mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=256k") == 0;
    if (!mounted_) GTEST_SKIP() << "mounting a small tmpfs needs root";
  }
  void TearDown() override {
    if (mounted_) umount2(folder_.path().c_str(), MNT_DETACH);
  }

  static CheckpointStore::Writer model_of(size_t bytes) {
    return [bytes](const std::string& folder) {
      write_file_atomically(folder + "/model.safetensors", std::string(bytes, 'x'));
    };
  }

  TemporaryFolder folder_;
  bool mounted_ = false;
};

TEST_F(FullDisk, FoundBeforeWritingLeavesOldCheckpointsIntact) {
  CheckpointStore store(folder_.file("checkpoints"), {});
  store.save(1, model_of(150'000));
  const std::string text = message_of<RunError>([&] { store.save(2, model_of(150'000)); });
  EXPECT_THAT(text, HasSubstr("left, the checkpoint takes"));
  EXPECT_EQ(store.newest_whole()->step, 1);
}

TEST_F(FullDisk, FoundInTheMiddleLeavesOldCheckpointsIntactAndNoRest) {
  CheckpointStore store(folder_.file("checkpoints"), {});
  store.save(1, model_of(50'000));
  const std::string text = message_of<RunError>([&] { store.save(2, model_of(250'000)); });
  EXPECT_THAT(text, HasSubstr("model.safetensors"));
  EXPECT_THAT(text, HasSubstr("No space left on device"));
  EXPECT_THAT(text, HasSubstr("\n  fix: "));
  EXPECT_EQ(store.steps(), std::vector<int64_t>{1});
  EXPECT_EQ(store.newest_whole()->step, 1);
  size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder_.file("checkpoints"))) {
    ++entries;
  }
  EXPECT_EQ(entries, 2u);           // step-00000001 and latest
  store.save(2, model_of(50'000));  // there is room for a smaller one again
  EXPECT_EQ(store.newest_whole()->step, 2);
}

TEST_F(CheckpointStoreTest, FilesNameCheckpointsWhereLinksCannot) {
  CheckpointStore checkpoints = store();
  checkpoints.prepare();
  for (const int64_t step : {1, 2, 3}) checkpoints.save(step, content(std::to_string(step)));
  const std::string best = checkpoints_ + "/best";
  for (const char* text : {"step-00000002\n", "step-00000002", "step-00000002\r\n"}) {
    write_file_atomically(best, text);
    EXPECT_EQ(checkpoints.best().value().step, 2);
    for (const std::string& path : {best, best + "/"}) {
      EXPECT_EQ(follow_marks(path), checkpoints_ + "/step-00000002");
      EXPECT_EQ(find_model_folder(path), checkpoints_ + "/step-00000002");
    }
  }
  // What names no checkpoint is none, whatever it is.
  for (const std::string& text :
       {std::string(), std::string("step-"), std::string("../step-00000002"),
        std::string("step-00000009"), std::string(100, 'x'), std::string("\0\n", 2)}) {
    write_file_atomically(best, text);
    EXPECT_FALSE(checkpoints.best()) << text;
  }
  EXPECT_EQ(follow_marks(checkpoints_ + "/latest"), checkpoints_ + "/latest");  // a link
  EXPECT_EQ(follow_marks(checkpoints_ + "/none"), checkpoints_ + "/none");
  // The next one replaces the file by a link again, and retention keeps what a file names.
  write_file_atomically(best, "step-00000002\n");
  for (const int64_t step : {4, 5, 6, 7}) checkpoints.save(step, content(std::to_string(step)));
  EXPECT_TRUE(fs::exists(checkpoints_ + "/step-00000002"));
  checkpoints.mark_best(7);
  EXPECT_EQ(fs::read_symlink(best), "step-00000007");
}

TEST_F(CheckpointStoreTest, AFolderInThePlaceOfALinkIsRefusedAtTheStart) {
  for (const char* name : {"latest", "best"}) {
    make_directories(checkpoints_ + "/" + name);
    EXPECT_THAT(message_of<RunError>([&] { store().prepare(); }),
                HasSubstr(std::string(name) + ": is a folder, not a link"));
    fs::remove(checkpoints_ + "/" + name);
  }
}

}  // namespace
}  // namespace linformer
