#include "linformer/dist/process_group.h"

#include <chrono>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"
#include "dist/process_threads.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ProcessGroup, AloneEverythingStaysAsItIs) {
  ProcessGroup group;
  EXPECT_TRUE(group.is_first());
  EXPECT_THAT(group.sum({1.5, 2.0}), ElementsAre(1.5, 2.0));
  EXPECT_THAT(group.maximum({3}), ElementsAre(3));
  EXPECT_EQ(group.broadcast("text"), "text");
  group.barrier();
  EXPECT_EQ(group.handles(), nullptr);
}

TEST(ProcessGroup, SumsAndMaxima) {
  as_processes(3, [](ProcessGroup& group) {
    const auto rank = static_cast<double>(group.rank());
    // 0 + 1 + 2 = 3; 10^15 and a half need double precision
    EXPECT_THAT(group.sum({rank, 1.0, rank == 1 ? 1e15 + 0.5 : 0.0}),
                ElementsAre(3.0, 3.0, 1e15 + 0.5));
    EXPECT_THAT(group.maximum({group.rank(), -group.rank()}), ElementsAre(2, 0));
    at::Tensor tensor = at::full({2, 2}, rank + 1.0, at::kFloat);
    group.sum(tensor);
    EXPECT_TRUE(at::equal(tensor, at::full({2, 2}, 6.0, at::kFloat)));
  });
}

TEST(ProcessGroup, ASumThatIsNotANumberIsSeenByAll) {
  as_processes(2, [](ProcessGroup& group) {
    EXPECT_TRUE(std::isnan(group.sum({group.rank() == 1 ? std::nan("") : 1.0}).front()));
  });
}

TEST(ProcessGroup, ASumGoesOnWhileOthersStart) {
  as_processes(2, [](ProcessGroup& group) {
    const auto first = group.start_sum({1.0});
    const auto second = group.start_sum({10.0});
    EXPECT_THAT(second(), ElementsAre(20.0));
    EXPECT_THAT(first(), ElementsAre(2.0));
  });
}

TEST(ProcessGroup, Broadcasts) {
  DistributedConfig config;
  config.bucket_megabytes = 1e-5;  // ten bytes: several pieces
  as_processes(
      3,
      [](ProcessGroup& group) {
        const std::string text = "step 7\n" + std::string(1, '\0') + "x";
        EXPECT_EQ(group.broadcast(group.is_first() ? text : "other"), text);
        EXPECT_EQ(group.broadcast(group.is_first() ? "" : "other"), "");
        at::Tensor a = at::full({2, 3}, group.rank(), at::kFloat).t();  // not contiguous
        at::Tensor b = at::full({}, group.rank(), at::kLong);
        at::Tensor c = at::full({5}, group.rank(), at::kFloat).requires_grad_(true);
        group.broadcast({a, b, c}, 2);
        EXPECT_TRUE(at::equal(a, at::full({3, 2}, 2.0, at::kFloat)));
        EXPECT_EQ(b.item<int64_t>(), 2);
        EXPECT_TRUE(at::equal(c, at::full({5}, 2.0, at::kFloat)));
        EXPECT_TRUE(c.is_leaf());
      },
      config);
}

TEST(ProcessGroup, MovesATensor) {
  as_processes(3, [](ProcessGroup& group) {
    const at::Tensor tensor = at::full({4}, group.rank(), at::kFloat);
    group.move(tensor, 2, 0);
    const double expected = group.rank() == 0 ? 2.0 : static_cast<double>(group.rank());
    EXPECT_TRUE(at::equal(tensor, at::full({4}, expected, at::kFloat)));
    group.move(tensor, 1, 1);
  });
}

TEST(ProcessGroup, AProcessThatIsGoneIsNoticedAtOnce) {
  std::string message;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(as_processes(2,
                            [&](ProcessGroup& group) {
                              if (group.rank() == 1) return;  // leaves
                              try {
                                group.sum({1.0});
                              } catch (const PeerError& error) {
                                message = error.what();
                                throw;
                              }
                            }),
               PeerError);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  EXPECT_THAT(message, AllOf(HasSubstr("rank 0 of 2: a sum over the processes failed: another "
                                       "process is gone"),
                             HasSubstr("\n  fix: ")));
}

TEST(ProcessGroup, AProcessThatIsTooSlowIsTakenForDead) {
  DistributedConfig config;
  config.timeout_seconds = 1.0;
  std::string message;
  EXPECT_THROW(as_processes(
                   2,
                   [&](ProcessGroup& group) {
                     if (group.rank() == 1) {
                       std::this_thread::sleep_for(std::chrono::seconds(3));
                       return;
                     }
                     try {
                       group.sum({1.0});
                     } catch (const PeerError& error) {
                       message = error.what();
                       throw;
                     }
                   },
                   config),
               PeerError);
  EXPECT_THAT(message, AllOf(HasSubstr("kept this one waiting for more than 1 s"),
                             HasSubstr("distributed.timeout_seconds")));
}

TEST(ProcessGroup, SaysWhenNotAllCome) {
  DistributedConfig config;
  config.timeout_seconds = 1.0;
  try {
    ProcessGroup group({0, 2, 0, 2, "127.0.0.1", unused_port(), "test"}, config);
    FAIL() << "it went on alone";
  } catch (const PeerError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the processes did not all meet at 127.0.0.1 port "));
  }
}

TEST(ProcessGroup, RefusesNcclWithoutCuda) {
  if (at::hasCUDA()) GTEST_SKIP() << "this machine has CUDA";
  DistributedConfig config;
  config.backend = CollectiveBackend::kNccl;
  EXPECT_THROW(as_processes(
                   2, [](ProcessGroup&) {}, config),
               UsageError);
}

TEST(ProcessGroup, AddressTowards) {
  EXPECT_EQ(address_towards("127.0.0.1", 29500), "127.0.0.1");
  EXPECT_THROW(address_towards("no-such-host.invalid", 29500), RunError);
}

/// What each of these processes throws, "" where it joined: {rank, processes of the run}.
std::vector<std::string> refusals(const std::vector<std::pair<int64_t, int64_t>>& processes) {
  DistributedConfig config;
  config.timeout_seconds = 20.0;
  const int64_t port = unused_port();
  std::vector<std::string> messages(processes.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < processes.size(); ++i) {
    threads.emplace_back([&, i] {
      const auto [rank, size] = processes[i];
      // The last one comes late, so that it is the one who is too many.
      if (i + 1 == processes.size()) std::this_thread::sleep_for(std::chrono::seconds(2));
      messages[i] = message_of<UsageError>([&] {
        ProcessGroup group({rank, size, rank, size, "127.0.0.1", port, "test"}, config);
        std::this_thread::sleep_for(std::chrono::seconds(3));  // the store stays for the last one
      });
    });
  }
  for (std::thread& thread : threads) thread.join();
  return messages;
}

TEST(ProcessGroup, RefusesWhatIsNotOfTheRun) {
  EXPECT_THAT(refusals({{0, 2}, {1, 2}, {1, 2}}),
              ElementsAre("", "",
                          AllOf(HasSubstr("rank 1: another process at 127.0.0.1 port "),
                                HasSubstr("is this rank already"))));
  EXPECT_THAT(refusals({{0, 2}, {1, 2}, {2, 3}}),
              ElementsAre("", "", HasSubstr("belongs to another run")));
}

}  // namespace
}  // namespace linformer
