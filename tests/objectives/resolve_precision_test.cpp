#include "linformer/objectives/resolve_precision.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/config/config_file.h"
#include "linformer/core/atomic_file.h"
#include "linformer/kernels/precision_speed.h"

namespace linformer {
namespace {

class ResolvePrecision : public ::testing::Test {
 protected:
  template <class Config>
  Precision resolved(Precision asked) {
    Config config;
    config.run.dir = folder_.file("run");
    config.run.device = DeviceChoice::kCpu;
    config.training.precision = asked;
    ProcessGroup alone;
    resolve_precision(config, alone, /*force_slow=*/true);
    return config.training.precision;
  }

  /// A run folder whose config.yaml is this text.
  void write_run(const std::string& text) {
    std::filesystem::create_directories(folder_.file("run"));
    write_file_atomically(folder_.file("run") + "/config.yaml", text);
  }

  TemporaryFolder folder_;
};

TEST_F(ResolvePrecision, LeavesWhatTheConfigurationNames) {
  for (const Precision precision : {Precision::kFp32, Precision::kBf16, Precision::kFp16}) {
    EXPECT_EQ(resolved<PretrainConfig>(precision), precision);
  }
}

TEST_F(ResolvePrecision, ANewRunTakesWhatTheDeviceIsFastIn) {
  const Precision fast = choose_precision(c10::kCPU).precision;
  EXPECT_EQ(resolved<PretrainConfig>(Precision::kAuto), fast);
  EXPECT_EQ(resolved<FinetuneConfig>(Precision::kAuto), fast);
}

TEST_F(ResolvePrecision, ARunFolderKeepsItsOwn) {
  for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
    PretrainConfig before;
    before.training.precision = precision;
    write_run(dump_yaml(before));
    EXPECT_EQ(resolved<PretrainConfig>(Precision::kAuto), precision);
    FinetuneConfig tuned;
    tuned.training.precision = precision;
    write_run(dump_yaml(tuned));
    EXPECT_EQ(resolved<FinetuneConfig>(Precision::kAuto), precision);
  }
}

// Nothing is decided by a file that cannot be read, or that has not chosen either.
TEST_F(ResolvePrecision, OtherFilesDecideNothing) {
  const Precision fast = choose_precision(c10::kCPU).precision;
  for (const char* text : {"", "{", "unknown_key: 3", "training: {precision: auto}"}) {
    write_run(text);
    EXPECT_EQ(resolved<PretrainConfig>(Precision::kAuto), fast) << text;
  }
}

}  // namespace
}  // namespace linformer
