// Two machines: one run over two network namespaces with an address each, joined by a virtual cable
// that can lose packets or be cut.
#include <chrono>
#include <cstdlib>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "cli/listening_sockets.h"
#include "cli/train_fixture.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// Runs a command line of the shell; its exit code.
int shell(const std::string& line) {
  const int status = std::system(("{ " + line + "; } > /dev/null 2>&1").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class NetworkTest : public TrainProgramTest {
 protected:
  void SetUp() override {
    if (shell("ip netns add " + name(0)) != 0 || shell("ip netns add " + name(1)) != 0) {
      GTEST_SKIP() << "network namespaces cannot be made here (ip netns add needs root)";
    }
    if (in(0, "true") != 0) {
      GTEST_SKIP() << "programs cannot be run in a network namespace here (ip netns exec needs a "
                      "root folder that is a mount, which a chroot is not)";
    }
    const std::string cable = "ip link add " + device(0) + " netns " + name(0) +
                              " type veth peer name " + device(1) + " netns " + name(1);
    if (shell(cable) != 0) GTEST_SKIP() << "virtual cables (veth) cannot be made here";
    for (const int i : {0, 1}) {
      ASSERT_EQ(in(i, "ip addr add " + address(i) + "/24 dev " + device(i)), 0);
      ASSERT_EQ(in(i, "ip link set " + device(i) + " up"), 0);
      ASSERT_EQ(in(i, "ip link set lo up"), 0);
    }
    TrainProgramTest::SetUp();
  }
  void TearDown() override {
    shell("ip netns del " + name(0));
    shell("ip netns del " + name(1));
  }

  static std::string name(int machine) {
    return "linformer-" + std::to_string(::getpid()) + "-" + std::to_string(machine);
  }
  static std::string device(int machine) { return "lf" + std::to_string(machine); }
  static std::string address(int machine) {
    const std::string net = "10.";  // put together here: no source names a machine
    return net + "77.1." + std::to_string(machine + 1);
  }
  /// Runs a command on a machine.
  static int in(int machine, const std::string& line) {
    return shell("ip netns exec " + name(machine) + " " + line);
  }

  struct Ends {
    int codes[2] = {-1, -1};
    std::string errors[2];
  };
  /// A launcher with one process on each machine; only the first one's run folder is used.
  Ends train_on_both(const std::string& run, const std::vector<std::string>& settings,
                     const std::function<void()>& meanwhile = {}) const {
    Ends ends;
    std::vector<std::thread> machines;
    for (const int machine : {0, 1}) {
      std::string line = std::string("ip netns exec ") + name(machine) + " " +
                         LINFORMER_PROGRAMS_DIR + "/linformer-launch --nnodes 2 --node-rank " +
                         std::to_string(machine) + " --rdzv " + address(0) + ":29500 -- " +
                         "linformer-train --config " + config() + " --set run.dir=" + file(run) +
                         (machine == 0 ? "" : "-not-used");
      for (const std::string& setting : settings) line += " --set " + setting;
      const std::string errors = file(run + std::to_string(machine) + ".err");
      machines.emplace_back([&ends, machine, line, errors] {
        const int status = std::system((line + " > /dev/null 2> " + errors).c_str());
        ends.codes[machine] = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        ends.errors[machine] = read_text_file(errors);
      });
    }
    if (meanwhile) meanwhile();
    for (std::thread& machine : machines) machine.join();
    return ends;
  }
  void expect_whole(const Ends& ends) const {
    for (const int machine : {0, 1}) EXPECT_EQ(ends.codes[machine], 0) << ends.errors[machine];
  }
  void wait_for(const std::string& path) const {
    for (int i = 0; i < 6000 && !fs::exists(path); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_TRUE(fs::exists(path)) << path;
  }
};

TEST_F(NetworkTest, TwoMachinesGiveTheBitsOfTwoProcesses) {
  expect_whole(train_on_both("apart", {"run.threads=1"}));  // as many as two on one machine
  const auto together =
      run_child({"linformer-launch", "--nproc-per-node", "2", "--", "linformer-train", "--config",
                 config(), "--set", "run.dir=" + file("together")});
  ASSERT_EQ(together.exit_code, 0) << together.err;
  EXPECT_EQ(bits_of("apart", "step-00000060"), bits_of("together", "step-00000060"));
  EXPECT_FALSE(fs::exists(file("apart-not-used"))) << "rank 0 alone has a run folder";
}

TEST_F(NetworkTest, TheFirstMachineListensAtTheAddressThatWasNamed) {
  std::set<std::string> seen;
  expect_whole(train_on_both("named", {"training.max_steps=20"}, [&] {
    wait_for(file("named") + "/checkpoints/step-00000010/MANIFEST.json");
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const std::string number = entry.path().filename().string();
      if (number.find_first_not_of("0123456789") != std::string::npos) continue;
      std::ifstream command(entry.path() / "cmdline");
      const std::string words((std::istreambuf_iterator<char>(command)), {});
      if (words.find("linformer-train") == std::string::npos) continue;
      if (words.find(file("named")) == std::string::npos) continue;
      seen.merge(listening_addresses(std::stoi(number)));
    }
  }));
  // The cable's two addresses, the bytes in reverse; not 00000000, which is all of them.
  EXPECT_THAT(seen, ::testing::IsSubsetOf({"01014D0A", "02014D0A"}));
  EXPECT_THAT(seen, ::testing::Contains("01014D0A"));
}

TEST_F(NetworkTest, LostPacketsChangeNothing) {
  // Random losses, or else a queue too short for what a step sends.
  const auto spoil = [](const std::string& kind) {
    return in(0, "tc qdisc add dev " + device(0) + " root " + kind) == 0;
  };
  if (!spoil("netem loss 5%") && !spoil("tbf rate 50mbit burst 16kb limit 16kb")) {
    GTEST_SKIP() << "packets cannot be lost on purpose here (tc with netem or tbf)";
  }
  const std::vector<std::string> settings{"training.max_steps=10", "evaluation.every=0"};
  expect_whole(train_on_both("lossy", settings));
  const std::string counts = file("counts");
  ASSERT_EQ(std::system(
                ("ip netns exec " + name(0) + " tc -s qdisc show dev " + device(0) + " > " + counts)
                    .c_str()),
            0);
  const std::string shown = read_text_file(counts);
  const size_t dropped = shown.find("(dropped ");
  ASSERT_NE(dropped, std::string::npos) << shown;
  EXPECT_GT(std::stoi(shown.substr(dropped + 9)), 0) << shown;
  in(0, "tc qdisc del dev " + device(0) + " root");
  expect_whole(train_on_both("quiet", settings));
  EXPECT_EQ(bits_of("lossy", "step-00000010"), bits_of("quiet", "step-00000010"));
}

TEST_F(NetworkTest, ACutCableStopsBothSidesInTime) {
  const std::vector<std::string> settings{"distributed.timeout_seconds=6",
                                          "training.max_steps=2000"};
  std::chrono::steady_clock::time_point cut;
  const Ends ends = train_on_both("cut", settings, [&] {
    wait_for(file("cut") + "/checkpoints/step-00000010/MANIFEST.json");
    cut = std::chrono::steady_clock::now();
    EXPECT_EQ(in(1, "ip link set " + device(1) + " down"), 0);
  });
  EXPECT_LT(std::chrono::steady_clock::now() - cut, std::chrono::seconds(90));
  for (const int machine : {0, 1}) {
    EXPECT_EQ(ends.codes[machine], 1);
    EXPECT_THAT(ends.errors[machine],
                AllOf(HasSubstr("distributed.timeout_seconds"), HasSubstr("for more than 6 s")));
  }
  EXPECT_THAT(ends.errors[0], HasSubstr("without the other processes; step "));
  EXPECT_EQ(in(1, "ip link set " + device(1) + " up"), 0);
  const auto step = fs::read_symlink(file("cut") + "/checkpoints/latest").string();
  const std::string next = std::to_string(std::stoi(step.substr(5)) + 1);
  const Ends resumed = train_on_both("cut", {"training.max_steps=" + next});
  expect_whole(resumed);
  EXPECT_THAT(resumed.errors[0], HasSubstr("resumed from"));
}

}  // namespace
}  // namespace linformer
