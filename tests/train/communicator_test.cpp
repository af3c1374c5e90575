#include "linformer/train/communicator.h"

#include <csignal>
#include <map>
#include <mutex>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dist/process_threads.h"
#include "train/tiny_run.h"

#include "linformer/core/stop_signal.h"
#include "linformer/objectives/pretraining_data.h"
#include "linformer/objectives/pretraining_run.h"
#include "linformer/train/optimized_parameters.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// The same object for each rank of as_processes(): they live as long as the test.
std::shared_ptr<ProcessGroup> borrowed(ProcessGroup& group) {
  return {&group, [](ProcessGroup*) {}};
}

TEST(Communicator, EverySampleOnceAnEpochWithAnyNumberOfProcesses) {
  TinyRun tiny;
  PretrainConfig config = tiny.config("run");
  config.training.micro_batch_size = 2;
  const PretrainingData data = open_pretraining_data(config);
  const BatchSource& source = data.train->batches();
  const int64_t micro = 2;
  std::map<int64_t, std::vector<SampleId>> first_step;  // by the number of processes
  for (const int64_t processes : {1, 2, 4}) {
    // Steps of 8 sequences until two epochs are over.
    const int64_t steps = (2 * source.num_sequences() + 7) / 8;
    const int64_t per_process = 8 / (micro * processes);
    std::mutex mutex;
    std::map<int64_t, std::vector<SampleId>> by_position;
    as_processes(processes, [&](ProcessGroup& group) {
      const Communicator communicator(borrowed(group));
      for (int64_t number = 0; number < steps * per_process; ++number) {
        const int64_t position = communicator.offset(number, micro);
        const Batch batch = source.batch(position, micro);
        const std::lock_guard lock(mutex);
        EXPECT_TRUE(by_position.emplace(position, batch.samples).second) << position;
      }
    });
    std::map<std::pair<int64_t, int64_t>, int> seen;
    std::vector<SampleId> order;
    for (const auto& [position, samples] : by_position) {
      for (const SampleId& sample : samples) {
        ++seen[{sample.epoch, sample.index}];
        order.push_back(sample);
      }
    }
    for (int64_t epoch = 0; epoch < 2; ++epoch) {
      for (int64_t index = 0; index < source.num_sequences(); ++index) {
        EXPECT_EQ((seen[{epoch, index}]), 1) << epoch << " " << index;
      }
    }
    order.resize(8);
    first_step[processes] = order;
  }
  EXPECT_EQ(first_step[2], first_step[1]);
  EXPECT_EQ(first_step[4], first_step[1]);
}

TEST(Communicator, StepsOfOneProcessFollowEachOther) {
  // Two processes, 8 sequences a step in micro-batches of 2: rank 1 does 2-3 and 6-7, then 10-11.
  as_processes(2, [](ProcessGroup& group) {
    const Communicator communicator(borrowed(group));
    const int64_t shift = 2 * group.rank();
    EXPECT_EQ(communicator.offset(0, 2), 0 + shift);
    EXPECT_EQ(communicator.offset(1, 2), 4 + shift);
    EXPECT_EQ(communicator.offset(2, 2), 8 + shift);
  });
}

std::string refusal(int64_t processes,
                    const std::function<void(Communicator&, int64_t rank)>& check) {
  std::mutex mutex;
  std::string messages;
  as_processes(processes, [&](ProcessGroup& group) {
    Communicator communicator(borrowed(group));
    try {
      check(communicator, group.rank());
    } catch (const UsageError& error) {
      const std::lock_guard lock(mutex);
      messages += std::string(error.what()) + "\n";
    }
  });
  return messages;
}

TEST(Communicator, RefusesBatchesThatDoNotDivide) {
  const std::string message = refusal(2, [](Communicator& communicator, int64_t) {
    PretrainConfig config;
    config.training.global_batch_size = 6;
    config.training.micro_batch_size = 2;
    communicator.check_same_run(config.trainer(), shared_settings(config), 0);
  });
  EXPECT_THAT(message, AllOf(HasSubstr("6 sequences do not divide into micro-batches of 2 for 2 "),
                             HasSubstr("a multiple of 4, e.g. 8")));
}

TEST(Communicator, RefusesOtherSettingsAndOtherData) {
  const auto check = [](int64_t seed_of_second, uint64_t data_of_second) {
    return refusal(2, [=](Communicator& communicator, int64_t rank) {
      PretrainConfig config;
      config.run.dir = "runs/" + std::to_string(rank);  // may differ, as threads and paths may
      config.run.threads = rank;
      config.data.train = {"data" + std::to_string(rank)};
      config.training.global_batch_size = 16;
      if (rank == 1) config.run.seed = seed_of_second;
      communicator.check_same_run(config.trainer(), shared_settings(config),
                                  rank == 1 ? data_of_second : 7);
    });
  };
  EXPECT_EQ(check(1, 7), "");
  EXPECT_THAT(check(2, 7), AllOf(HasSubstr("rank 1: not as in rank 0: run.seed: 2 instead of 1"),
                                 HasSubstr("rank 0: another process was started with other")));
  EXPECT_THAT(check(1, 8), HasSubstr("rank 1: not as in rank 0: data.train: other data"));
}

TEST(Communicator, WhatOneNoticesAllDo) {
  as_processes(3, [](ProcessGroup& group) {
    Communicator communicator(borrowed(group));
    const bool second = group.rank() == 1;
    const bool third = group.rank() == 2;
    const ControlFlags nothing = communicator.agree({});
    EXPECT_EQ(nothing.stop_signal, 0);
    EXPECT_FALSE(nothing.time_is_up || nothing.session_ends || nothing.save_wanted);
    EXPECT_EQ(communicator.agree({.stop_signal = second ? SIGINT : 0}).stop_signal, SIGINT);
    EXPECT_EQ(communicator.agree({.stop_signal = second  ? SIGINT
                                                 : third ? SIGTERM
                                                         : 0})
                  .stop_signal,
              SIGTERM);
    for (const int number : kStopSignals) {
      EXPECT_EQ(communicator.agree({.stop_signal = third ? number : 0}).stop_signal, number);
    }
    EXPECT_TRUE(communicator.agree({.time_is_up = third}).time_is_up);
    EXPECT_TRUE(communicator.agree({.session_ends = third}).session_ends);
    EXPECT_TRUE(communicator.agree({.save_wanted = third}).save_wanted);
    EXPECT_FALSE(communicator.agree({.save_wanted = third}).time_is_up);
  });
}

TEST(Communicator, AddsEvaluations) {
  as_processes(2, [](ProcessGroup& group) {
    Communicator communicator(borrowed(group));
    EvaluationResult part;
    part.model = {1.5 + static_cast<double>(group.rank()), 3 + group.rank()};
    part.unigram = NllTotals{10.0, 3 + group.rank()};
    part.num_sequences = 2;
    part.complete = group.rank() == 0;
    const EvaluationResult whole = sum_over_processes(communicator, part);
    EXPECT_EQ(whole.model, (NllTotals{4.0, 7}));  // 1.5 + 2.5, 3 + 4
    EXPECT_EQ(*whole.unigram, (NllTotals{20.0, 7}));
    EXPECT_EQ(whole.num_sequences, 4);
    EXPECT_FALSE(whole.complete);
    EvaluationOptions options;
    divide(communicator, options);
    EXPECT_EQ(options.first_batch, group.rank());
    EXPECT_EQ(options.batch_stride, 2);
  });
}

TEST(Communicator, AShardedOptimizerKeepsItsShareAndIsSavedWhole) {
  TinyRun tiny;
  as_processes(2, [&](ProcessGroup& group) {
    PretrainConfig config = tiny.config("run");
    config.distributed.shard_optimizer = true;
    config.model.vocab_size = 50;
    const Model model(config.model, 1);
    Communicator communicator(borrowed(group));
    const auto optimizer =
        communicator.prepare(optimized_parameters(model.parameters()), config.trainer());
    int64_t own = 0;
    for (const auto& [name, tensor] : optimizer->state()) own += tensor.numel();
    const int64_t all = 2 * model.parameters().count();
    EXPECT_LT(own, all * 6 / 10);
    EXPECT_GT(own, all * 4 / 10);
    for (const auto& [name, tensor] : optimizer->state()) {
      at::Tensor moment = tensor;
      moment.fill_(static_cast<double>(group.rank() + 1));
    }
    const NamedTensors whole = communicator.whole_state(*optimizer, Communicator::Fetch::kYes);
    if (!group.is_first()) return;
    int64_t count = 0;
    int64_t of_second = 0;
    for (const auto& [name, tensor] : whole) {
      count += tensor.numel();
      if (tensor.min().item<double>() == 2.0) of_second += tensor.numel();
      EXPECT_EQ(tensor.min().item<double>(), tensor.max().item<double>());
    }
    EXPECT_EQ(count, all);
    EXPECT_EQ(of_second, all - own);
  });
}

}  // namespace
}  // namespace linformer
