#include "linformer/objectives/resolve_precision.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/config/config_file.h"
#include "linformer/core/atomic_file.h"

namespace linformer {
namespace {

using ::testing::AnyOf;

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

// What is chosen for a measurement, ChoosePrecision of precision_speed_test.cpp tests.
TEST_F(ResolvePrecision, ANewRunMeasures) {
  for (const Precision precision :
       {resolved<PretrainConfig>(Precision::kAuto), resolved<FinetuneConfig>(Precision::kAuto)}) {
    EXPECT_THAT(precision, AnyOf(Precision::kFp32, Precision::kBf16));
  }
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

// A file that cannot be read, or that has not chosen either, decides nothing: fp16 is never
// measured, so it could only come from the file.
TEST_F(ResolvePrecision, OtherFilesDecideNothing) {
  for (const char* text : {"", "{", "unknown_key: 3\ntraining: {precision: fp16}",
                           "training: {precision: fp16", "training: {precision: auto}"}) {
    write_run(text);
    EXPECT_THAT(resolved<PretrainConfig>(Precision::kAuto),
                AnyOf(Precision::kFp32, Precision::kBf16))
        << text;
  }
}

}  // namespace
}  // namespace linformer
