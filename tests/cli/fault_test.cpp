// How runs survive failures of the machine; docs/reliability.md has the table.
#include <chrono>
#include <csignal>
#include <ctime>
#include <sstream>

#include <nlohmann/json.hpp>
#include <sys/mount.h>

#include "cli/train_fixture.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr const char* kEnd = "step-00000040";

class FaultTest : public TrainProgramTest {
 protected:
  void SetUp() override {
    TrainProgramTest::SetUp();
    ASSERT_EQ(train("whole", settings()).exit_code, 0);
    expected_ = bits_of("whole", kEnd);
  }

  static std::vector<std::string> settings(const std::string& more = "") {
    std::vector<std::string> all{"training.max_steps=40", "checkpoint.every=10",
                                 "checkpoint.keep_last=3", "run.threads=1"};
    if (!more.empty()) all.push_back(more);
    return all;
  }

  /// The same command until the end, and the same bits.
  void expect_goes_on(const std::string& name) {
    const auto result = train(name, settings());
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(bits_of(name, kEnd) == expected_) << name << " ended in other bits";
  }

  /// A finished run, copied.
  std::string copy_of_whole(const std::string& name) const {
    fs::copy(file("whole"), file(name),
             fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    return file(name);
  }

  std::string expected_;
};

/// A file system of its own, for the run folder.
class SmallDisk {
 public:
  SmallDisk(std::string path, const std::string& options) : path_(std::move(path)) {
    fs::create_directories(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, options.c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  bool remount(unsigned long flags, const std::string& options) const {
    return ::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT | flags, options.c_str()) == 0;
  }

 private:
  std::string path_;
  bool mounted_ = false;
};

TEST_F(FaultTest, ADiskThatIsFullAtAnyWriteLosesNothing) {
  // What a run takes in the end, so that the sizes end everywhere between its first and last byte.
  size_t needed = 0;
  for (const auto& entry : fs::recursive_directory_iterator(file("whole"))) {
    if (entry.is_regular_file() && !entry.is_symlink()) needed += entry.file_size();
  }
  int failures = 0;
  for (int part = 1; part <= 8; ++part) {
    const std::string name = "disk" + std::to_string(part);
    const size_t kib = needed * static_cast<size_t>(part) / 8 / 1024;
    const SmallDisk disk(file(name), "size=" + std::to_string(kib) + "k");
    if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs needs root";
    const auto result = train(name, settings());
    if (result.exit_code != 0) {
      ++failures;
      EXPECT_EQ(result.exit_code, 1) << result.err;
      EXPECT_THAT(result.err, AllOf(HasSubstr(file(name)), HasSubstr("\n  fix: "),
                                    AnyOf(HasSubstr("No space left"), HasSubstr("the disk has"))));
    }
    // Whatever is there is whole.
    const auto inspected = data({"inspect", file(name), "--json"});
    const bool none = !fs::exists(file(name) + "/checkpoints/latest");
    EXPECT_TRUE(inspected.exit_code == 0 || none) << inspected.err;
    ASSERT_TRUE(disk.remount(0, "size=64m"));
    expect_goes_on(name);
  }
  EXPECT_GE(failures, 4) << "the disks were not small enough";
}

TEST_F(FaultTest, AReadOnlyFolderIsNamedAndLeftAsItIs) {
  const SmallDisk disk(file("ro"), "size=64m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a tmpfs needs root";
  ASSERT_EQ(
      train("ro", {"training.max_steps=20", "checkpoint.every=10", "run.threads=1"}).exit_code, 0);
  ASSERT_TRUE(disk.remount(MS_RDONLY, ""));
  const auto result = train("ro", settings());
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr(file("ro")), HasSubstr("Read-only file system"),
                                HasSubstr("\n  fix: ")));
  ASSERT_TRUE(disk.remount(0, ""));
  expect_goes_on("ro");
}

TEST_F(FaultTest, EveryFileOfACheckpointMayBeCutOrFlipped) {
  const std::string newest = std::string("/checkpoints/") + kEnd + "/";
  int damaged = 0;
  for (const char* part :
       {"config.json", "model.safetensors", "tokenizer.model", "MANIFEST.json",
        "training/state.json", "training/optimizer.safetensors", "training/unigram.safetensors"}) {
    for (const bool cut : {true, false}) {
      const std::string name = "damaged" + std::to_string(damaged++);
      const std::string path = copy_of_whole(name) + newest + part;
      std::string bytes = read_text_file(path);
      if (cut) {
        bytes.resize(bytes.size() / 2);
      } else {
        bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
      }
      write_file_atomically(path, bytes);
      const auto inspected = data({"inspect", file(name)});
      EXPECT_EQ(inspected.exit_code, 1) << path;
      EXPECT_THAT(inspected.out, HasSubstr("DAMAGED"));
      EXPECT_THAT(inspected.err, AllOf(HasSubstr(part), HasSubstr("\n  fix: ")));
      const auto result = train(name, settings());
      ASSERT_EQ(result.exit_code, 0) << result.err;
      EXPECT_THAT(result.err,
                  AllOf(HasSubstr(part), HasSubstr("falling back"), HasSubstr("resumed from")));
      EXPECT_TRUE(bits_of(name, kEnd) == expected_) << path;
    }
  }
}

TEST_F(FaultTest, AClockThatIsSetBackChangesNothing) {
  // CLOCK_SHIFT_AFTER: from that call of the wall clock on it is a day earlier.
  for (const char* after : {"0", "5", "40"}) {
    const std::string name = std::string("clock") + after;
    const ProgramOptions options{.environment = {std::string("LD_PRELOAD=") + LINFORMER_CLOCK_SHIFT,
                                                 std::string("CLOCK_SHIFT_AFTER=") + after}};
    const auto first = train(name, settings("training.max_steps=20"), options);
    ASSERT_EQ(first.exit_code, 0) << first.err;
    // Checkpoints are compared by their step, not by the age of their files.
    const auto tomorrow = fs::file_time_type::clock::now() + std::chrono::hours(24);
    fs::last_write_time(file(name) + "/checkpoints/step-00000010/MANIFEST.json", tomorrow);
    fs::last_write_time(file(name) + "/checkpoints/step-00000010", tomorrow);
    const auto rest = train(name, settings("training.max_hours=10"), options);
    ASSERT_EQ(rest.exit_code, 0) << rest.err;
    EXPECT_THAT(rest.err, HasSubstr("at step 20"));
    EXPECT_TRUE(bits_of(name, kEnd) == expected_) << name;
    double last = 0.0;
    std::istringstream log(read_text_file(file(name) + "/log.jsonl"));
    for (std::string line; std::getline(log, line);) {
      const auto seconds = nlohmann::json::parse(line)["elapsed_seconds"].get<double>();
      EXPECT_GE(seconds, last);
      last = seconds;
    }
  }
}

TEST_F(FaultTest, SavesOnRequestAndGoesOn) {
  const std::string asked = file("asked") + "/checkpoints";
  const ProgramOptions options{.meanwhile = [&, sent = false](pid_t child) mutable {
    // The log begins when the program is ready for the signal.
    if (sent || !fs::exists(file("asked") + "/log.jsonl")) return;
    ::kill(child, SIGUSR1);
    sent = true;
  }};
  const auto result =
      train("asked",
            {"training.max_steps=200", "checkpoint.every=0", "checkpoint.keep_last=10",
             "evaluation.every=0", "logging.every=1", "run.threads=1"},
            options);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  int64_t between = 0;
  for (const auto& entry : fs::directory_iterator(asked)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step-") && name != "step-00000200") ++between;
  }
  EXPECT_EQ(between, 1);
  EXPECT_EQ(data({"inspect", file("asked")}).exit_code, 0);
}

TEST_F(FaultTest, VerifyResumeKillsComparesAndGoesOnWithOthers) {
  const auto result = train("checked", settings(), {},
                            {"--verify-resume", "--verify-steps", "12", "--verify-kills", "2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("resuming is exact: 2 kills"));
  EXPECT_THAT(result.err, AllOf(HasSubstr("every bit of weights, optimizer and state is equal"),
                                HasSubstr("on 2 processes: the same data, losses equal to")));
}

// Processes round otherwise in bf16, and weights keep 8 bits of it.
TEST_F(FaultTest, VerifyResumeAllowsForTheRoundingOfBf16) {
  const auto result = train(
      "checked", settings("training.precision=bf16"), {},
      {"--verify-resume", "--verify-steps", "40", "--verify-kills", "1", "--force-slow-precision"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("on 2 processes: the same data, losses equal to"));
}

TEST_F(FaultTest, StopsBeforeAJobEnds) {
  const ProgramOptions options{
      .environment = {"SLURM_JOB_END_TIME=" + std::to_string(std::time(nullptr) + 30)}};
  const auto stopped = train("job", settings("checkpoint.save_before_seconds=60"), options);
  EXPECT_EQ(stopped.exit_code, 128 + SIGTERM) << stopped.err;
  EXPECT_THAT(stopped.err,
              AllOf(HasSubstr("the session's time is up"), HasSubstr("resume with: ")));
  expect_goes_on("job");
}

}  // namespace
}  // namespace linformer
