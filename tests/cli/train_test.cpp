// linformer-train, run as a program.
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "cli/train_fixture.h"

#include "linformer/core/random.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class TrainTest : public TrainProgramTest {
 protected:
  /// Sends a signal once, `seconds` after the run's first checkpoint after `step` is there.
  static ProgramOptions signal_after(double seconds, int signal_number) {
    const auto start = std::chrono::steady_clock::now();
    return {.meanwhile = [=, sent = false](pid_t child) mutable {
      const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
      if (sent || passed.count() < seconds) return;
      ::kill(child, signal_number);
      sent = true;
    }};
  }
  ProgramOptions signal_at(const std::string& path, int signal_number) const {
    return {.meanwhile = [path, signal_number, sent = false](pid_t child) mutable {
      if (sent || !fs::exists(path)) return;
      ::kill(child, signal_number);
      sent = true;
    }};
  }
};

TEST_F(TrainTest, ShowsProgressAndTheResult) {
  const auto result = train("run");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* part : {"step 60/60", "loss ", "ppl ", "lr 1.00e-03", "tok/s", "% MFU", "ETA"}) {
    EXPECT_THAT(result.err, HasSubstr(part));
  }
  EXPECT_THAT(result.err, HasSubstr("held-out perplexity"));
  EXPECT_THAT(result.out, HasSubstr("model folder: " + file("run") + "/checkpoints/latest"));
  EXPECT_TRUE(fs::exists(file("run") + "/config.yaml"));
  EXPECT_THAT(read_text_file(file("run") + "/log.jsonl"), HasSubstr("\"valid_perplexity\""));
  // config.yaml alone gives the same run again
  const auto again = run_child({"linformer-train", "--config", file("run") + "/config.yaml",
                                "--set", "run.dir=" + file("again")});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(bits_of("again", "step-00000060"), bits_of("run", "step-00000060"));
}

TEST_F(TrainTest, ItsResultIsAlsoJson) {
  const auto result = train("run", {}, {}, {"--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);  // nothing else on standard output
  EXPECT_EQ(json["run"], file("run"));
  EXPECT_EQ(json["end"], "finished");
  EXPECT_EQ(json["step"], 60);
  EXPECT_GT(json["tokens"], 0);
  EXPECT_NEAR(std::exp(json["valid_loss"].get<double>()), json["valid_perplexity"].get<double>(),
              1e-6 * json["valid_perplexity"].get<double>());
  EXPECT_EQ(json["model"], file("run") + "/checkpoints/latest");
  EXPECT_TRUE(fs::exists(json["log"].get<std::string>()));
  const auto log = read_text_file(json["log"].get<std::string>());
  const size_t at = log.rfind("\"valid_loss\":");
  ASSERT_NE(at, std::string::npos);
  EXPECT_NEAR(std::stod(log.substr(at + 13)), json["valid_loss"].get<double>(), 1e-5);
  const auto dry = train("dry", {}, {}, {"--json", "--dry-run"});
  EXPECT_EQ(dry.exit_code, 2);
  EXPECT_THAT(dry.err, HasSubstr("--json: prints the result of training"));
}

TEST_F(TrainTest, DryRunWritesNothing) {
  const auto result = train("dry", {}, {}, {"--dry-run"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* part : {"parameters", "projections E, F", "optimizer", "activations",
                           "tokens, padding included", "epochs over the data", "learning rate"}) {
    EXPECT_THAT(result.out, HasSubstr(part));
  }
  EXPECT_FALSE(fs::exists(file("dry")));
}

/// Whether this machine's CPU multiplies fp16 by itself; few do.
bool multiplies_fp16() {
  const std::string cpu = read_text_file("/proc/cpuinfo");
  return cpu.find("avx512_fp16") != std::string::npos || cpu.find("amx_fp16") != std::string::npos;
}

TEST_F(TrainTest, ASlowPrecisionIsRefusedWithItsFactorUnlessForced) {
  if (multiplies_fp16()) GTEST_SKIP() << "this CPU has fp16 instructions";
  const std::vector<std::string> half{"training.precision=fp16", "training.max_steps=2"};
  for (const auto& more : std::vector<std::vector<std::string>>{{}, {"--dry-run"}}) {
    const auto refused = train("slow", half, {}, more);
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("training.precision: fp16 multiplies matrices "),
                                   HasSubstr(" times slower than fp32 on this CPU"),
                                   HasSubstr("--force-slow-precision")));
    EXPECT_FALSE(fs::exists(file("slow")));
  }
  const auto forced = train("slow", half, {}, {"--force-slow-precision"});
  ASSERT_EQ(forced.exit_code, 0) << forced.err;
  EXPECT_THAT(forced.err, HasSubstr("warning: training.precision: fp16 multiplies matrices "));
  EXPECT_THAT(read_text_file(file("slow") + "/log.jsonl"), HasSubstr("\"loss_scale\""));
  EXPECT_EQ(train("dry", half, {}, {"--dry-run", "--force-slow-precision"}).exit_code, 0);
  const std::vector<std::string> bench{"linformer-bench",
                                       "step",
                                       "--steps",
                                       "1",
                                       "--batch-size",
                                       "1",
                                       "--precision",
                                       "fp16",
                                       "--set",
                                       "num_hidden_layers=1",
                                       "max_sequence_length=128"};
  const auto measured = run_child(bench);
  EXPECT_EQ(measured.exit_code, 2);
  EXPECT_THAT(measured.err, HasSubstr(" times slower than fp32 on this CPU"));
}

/// The line `precision: ...` of a run's config.yaml.
std::string precision_in(const std::string& folder) {
  const std::string text = read_text_file(folder + "/config.yaml");
  const size_t begin = text.find("precision: ");
  return text.substr(begin, text.find('\n', begin) - begin);
}

TEST_F(TrainTest, AutomaticPrecisionIsChosenOnceAndKeptWhenTheRunGoesOn) {
  const std::vector<std::string> automatic{"training.precision=auto", "training.max_steps=10"};
  const auto chosen = train("auto", automatic);
  ASSERT_EQ(chosen.exit_code, 0) << chosen.err;
  const std::string precision = precision_in(file("auto"));
  EXPECT_THAT(precision, ::testing::AnyOf("precision: bf16", "precision: fp32"));
  EXPECT_THAT(chosen.err, AllOf(HasSubstr(precision.substr(0, 9) + precision.substr(10) + ": "),
                                HasSubstr("this CPU ")));
  // A run that began in the other type stays in it.
  const std::string other = precision == "precision: bf16" ? "fp32" : "bf16";
  const std::vector<std::string> force{"--force-slow-precision"};
  ASSERT_EQ(
      train("other", {"training.precision=" + other, "training.max_steps=10"}, {}, force).exit_code,
      0);
  const auto resumed =
      train("other", {"training.precision=auto", "training.max_steps=20"}, {}, force);
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(precision_in(file("other")), "precision: " + other);
  EXPECT_THAT(resumed.err, AllOf(HasSubstr("precision " + other + ": as in " + file("other")),
                                 Not(HasSubstr("rounded differently"))));
  EXPECT_THAT(train("dry", {"training.precision=auto"}, {}, {"--dry-run"}).err,
              HasSubstr("precision "));
}

TEST_F(TrainTest, CudaWithoutADeviceIsAClearError) {
  const auto result = train("cuda", {"run.device=cuda", "training.max_steps=1"});
  if (result.exit_code == 0) GTEST_SKIP() << "this machine has a CUDA device";
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("run.device: cuda, but LibTorch finds no CUDA device"));
}

TEST_F(TrainTest, ProgramsThatReadAModelTakeADevice) {
  ASSERT_EQ(train("model", {"training.max_steps=1", "evaluation.every=0"}).exit_code, 0);
  write_file_atomically(file("rows.jsonl"), "{\"input_ids\": [0, 7, 8, 2]}\n");
  const std::string model = file("model");
  const std::vector<std::vector<std::string>> commands{
      {"linformer-eval", "perplexity", "--checkpoint", model, "--data", valid_text(),
       "--max-sequences", "2"},
      {"linformer-predict", "fill-mask", "--checkpoint", model, "--text", "a <mask>"},
      {"linformer-predict", "features", "--checkpoint", model, "--input", file("rows.jsonl"),
       "--output", file("features.safetensors")},
      {"linformer-bench", "gemm"},
      {"linformer-bench", "step", "--steps", "1", "--batch-size", "1", "--set",
       "max_sequence_length=128", "num_hidden_layers=1"}};
  for (std::vector<std::string> command : commands) {
    command.insert(command.end(), {"--device", "cpu"});
    const auto on_cpu = run_child(command);
    EXPECT_EQ(on_cpu.exit_code, 0) << command[1] << ": " << on_cpu.err;
    command.back() = "cuda";
    const auto on_cuda = run_child(command);
    if (on_cuda.exit_code == 0) continue;  // this machine has a CUDA device
    EXPECT_EQ(on_cuda.exit_code, 2) << command[1];
    EXPECT_THAT(on_cuda.err, HasSubstr("--device: cuda, but LibTorch finds no CUDA device"));
    command.back() = "tpu";
    EXPECT_EQ(run_child(command).exit_code, 2) << command[1];
  }
}

TEST_F(TrainTest, SignalsSaveAndTheSameCommandGoesOn) {
  ASSERT_EQ(train("whole").exit_code, 0);
  for (const int signal_number : {SIGTERM, SIGINT}) {
    const std::string name = "stopped" + std::to_string(signal_number);
    const auto stopped =
        train(name, {},
              signal_at(file(name) + "/checkpoints/step-00000010/MANIFEST.json", signal_number));
    EXPECT_EQ(stopped.exit_code, 128 + signal_number) << stopped.err;
    EXPECT_THAT(stopped.err, AllOf(HasSubstr("stopped by a signal after step"),
                                   HasSubstr("resume with: linformer-train --config " + config())));
    EXPECT_FALSE(fs::exists(file(name) + "/checkpoints/step-00000060"));
    const auto resumed = train(name);
    ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
    EXPECT_THAT(resumed.err, HasSubstr("resumed from"));
    EXPECT_EQ(bits_of(name, "step-00000060"), bits_of("whole", "step-00000060"));
  }
}

TEST_F(TrainTest, KilledAtRandomMomentsItEndsInTheSameBits) {
  const std::vector<std::string> settings{"training.max_steps=400", "checkpoint.every=7"};
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(train("whole", settings).exit_code, 0);
  const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - start;
  const char* const nightly = std::getenv("LINFORMER_NIGHTLY");
  const int kills = nightly != nullptr && std::string(nightly) == "1" ? 50 : 5;
  RandomStream random(RandomPurpose::kTest, {17});
  int killed = 0;
  std::string name;
  for (int i = 0; killed < kills; ++i) {
    ASSERT_LT(i, 20 * kills) << "the run ended before it could be killed";
    // A run that was finished starts anew in another folder.
    if (name.empty()) name = "killed" + std::to_string(i);
    const double moment = whole.count() * static_cast<double>(random.below(1000)) / 1000.0;
    const auto result = train(name, settings, signal_after(moment, SIGKILL));
    if (result.exit_code == 128 + SIGKILL) {
      ++killed;
      continue;
    }
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(bits_of(name, "step-00000400") == bits_of("whole", "step-00000400")) << name;
    name.clear();
  }
  if (name.empty()) return;
  const auto result = train(name, settings);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(bits_of(name, "step-00000400") == bits_of("whole", "step-00000400")) << name;
}

TEST_F(TrainTest, RefusesASecondTrainerInTheSameFolder) {
  bool tried = false;
  ProgramResult second;
  const ProgramOptions options{.meanwhile = [&](pid_t) {
    if (tried || !fs::exists(file("busy") + "/checkpoints/step-00000010/MANIFEST.json")) return;
    tried = true;
    second = train("busy");
  }};
  const auto first = train("busy", {"training.max_steps=600"}, options);
  EXPECT_EQ(first.exit_code, 0) << first.err;
  ASSERT_TRUE(tried);
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, AllOf(HasSubstr(file("busy") + "/lock"), HasSubstr("\n  fix: ")));
}

TEST_F(TrainTest, SaysWhatIsOtherThanInTheCheckpoint) {
  const std::vector<std::string> linear{"training.max_steps=6", "training.schedule.type=linear",
                                        "evaluation.every=0"};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> settings = linear;
    settings.insert(settings.end(), more.begin(), more.end());
    return train("changed", settings);
  };
  ASSERT_EQ(with({}).exit_code, 0);
  EXPECT_THAT(with({}).err, Not(HasSubstr("changes nothing")));
  const auto finished = with({"training.learning_rate=2e-3"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("training.learning_rate: 0.002 changes nothing: the run was "
                                      "finished at step 6, with 0.001"));
  const auto lamb = with({"training.optimizer.type=lamb"});
  EXPECT_EQ(lamb.exit_code, 2) << lamb.err;
  EXPECT_THAT(lamb.err, AllOf(HasSubstr("lamb, but the checkpoint was made with adamw"),
                              HasSubstr("\n  fix: ")));
  const auto longer = with({"training.max_steps=12"});
  EXPECT_EQ(longer.exit_code, 0) << longer.err;
  EXPECT_THAT(longer.err, AllOf(HasSubstr("warning: training.max_steps: 6 until step 6, now 12"),
                                HasSubstr("warning: the learning rate goes from ")));
}

/// Of every file of a run but its lock: name, bytes and time of the last change.
std::map<std::string, std::pair<std::string, fs::file_time_type>> stamped_files(
    const std::string& run) {
  std::map<std::string, std::pair<std::string, fs::file_time_type>> files;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    const std::string name = entry.path().string();
    if (!entry.is_regular_file() || name.ends_with("/lock")) continue;
    files[name] = {read_text_file(name), entry.last_write_time()};
  }
  return files;
}

TEST_F(TrainTest, AFinishedRunThatIsStartedAgainKeepsItsFiles) {
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> settings{"training.max_steps=20"};
    settings.insert(settings.end(), more.begin(), more.end());
    const ProgramResult result = train("done", settings);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("held-out perplexity "));
    return result.out;
  };
  const std::string out = with({});
  const auto before = stamped_files(file("done"));
  const std::vector<std::vector<std::string>> cases{
      {},
      {"run.threads=1", "logging.every=3", "checkpoint.keep_last=1",
       "evaluation.every=7"},  // taken
      {"data.prefetch_batches=1", "checkpoint.background=false", "training.max_hours=3"},
      {"training.learning_rate=2e-3"},  // a warning
      {"training.max_steps=15", "training.schedule.type=linear"}};
  for (const std::vector<std::string>& more : cases) {
    EXPECT_EQ(with(more), out) << more.size();
    const auto after = stamped_files(file("done"));
    ASSERT_EQ(after.size(), before.size());
    for (const auto& [name, content] : before) EXPECT_TRUE(after.at(name) == content) << name;
  }
  // Measured otherwise it is another result, which is kept.
  EXPECT_NE(with({"evaluation.max_sequences=10"}), out);
  EXPECT_FALSE(stamped_files(file("done")) == before);
}

TEST_F(TrainTest, RefusesConfigurations) {
  const auto refusal = [&](const std::string& setting) {
    const auto result = train("refused", {setting});
    EXPECT_EQ(result.exit_code, 2) << setting << "\n" << result.err;
    EXPECT_THAT(result.err, HasSubstr("\n  fix: ")) << setting;
    return result.err;
  };
  EXPECT_THAT(refusal("model.attention.projected_lenght=4"),
              HasSubstr("model.attention.projected_length"));
  EXPECT_THAT(refusal("training.max_steps=many"), HasSubstr("training.max_steps"));
  EXPECT_THAT(refusal("model.num_attention_heads=3"), HasSubstr("3 heads do not divide"));
  EXPECT_THAT(refusal("model.attention.projected_length=65"), HasSubstr("projected_length"));
  EXPECT_THAT(refusal("training.micro_batch_size=3"), HasSubstr("micro_batch_size"));
  EXPECT_FALSE(fs::exists(file("refused")));
  const std::string text_of_config = read_text_file(config());
  write_file_atomically(config(), text_of_config + "modle: {}\n");
  const auto result = train("refused");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr(config() + ":20:1: unknown key modle"));
  EXPECT_THAT(result.err, HasSubstr("did you mean model"));
}

TEST_F(TrainTest, RefusesDamagedData) {
  const std::string shard = file("train-00000.shard");
  const std::string whole = read_text_file(shard);
  const auto refusal = [&](const std::string& bytes) {
    write_file_atomically(shard, bytes);
    const auto result = train("refused");
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr(shard), HasSubstr("\n  fix: ")));
  };
  refusal(whole.substr(0, whole.size() - 1));
  refusal("");
  for (const size_t place : {size_t{20}, whole.size() / 2, whole.size() - 1}) {
    std::string flipped = whole;
    flipped[place] ^= 4;
    refusal(flipped);
  }
  write_file_atomically(shard, whole);
  EXPECT_EQ(train("fine", {"training.max_steps=1"}).exit_code, 0);
  fs::remove(shard);
  EXPECT_EQ(train("refused").exit_code, 2);  // no shards at all: a wrong path
}

TEST_F(TrainTest, RefusesAnotherTokenizer) {
  ASSERT_EQ(data({"tokenizer", "--input", text(), "--output", file("other.model"), "--vocab-size",
                  "900", "--sample-sentences", "3000"})
                .exit_code,
            0);
  const auto result = train("refused", {"tokenizer.model=" + file("other.model")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("another tokenizer"), HasSubstr("\n  fix: ")));
}

TEST_F(TrainTest, AFullDiskLeavesTheLastCheckpointWhole) {
  ASSERT_EQ(train("full", {"training.max_steps=10"}).exit_code, 0);
  const std::string before = bits_of("full", "step-00000010");
  // No file may grow past 64 kB, less than the weights take.
  const auto result = train("full", {"training.max_steps=20"}, {.max_file_bytes = 65536});
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("model.safetensors"), HasSubstr("\n  fix: ")));
  EXPECT_EQ(bits_of("full", "step-00000010"), before);
  EXPECT_FALSE(fs::exists(file("full") + "/checkpoints/step-00000020"));
  EXPECT_EQ(train("full", {"training.max_steps=20"}).exit_code, 0);
}

TEST_F(TrainTest, ALossThatIsNotFiniteNamesTheBatch) {
  ASSERT_EQ(train("nan", {"training.max_steps=10"}).exit_code, 0);
  const std::string before = bits_of("nan", "step-00000010");
  const auto result = train("nan", {"training.learning_rate=1e30"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("is not finite"), HasSubstr("micro-batches with the "),
                                HasSubstr("linformer-data why --config ")));
  EXPECT_EQ(bits_of("nan", "step-00000010"), before);
  const std::string run = file("nan") + "/config.yaml";
  const auto events = data({"why", "--config", run, "--events"});
  EXPECT_EQ(events.exit_code, 0) << events.err;
  EXPECT_THAT(events.out, AllOf(HasSubstr("skipped: the loss is not finite"),
                                HasSubstr("rolled back to here from step"),
                                HasSubstr("passed over after a rollback")));
  const auto why = data({"why", "--config", run, "--step", "12"});
  EXPECT_EQ(why.exit_code, 0) << why.err;
  EXPECT_THAT(why.out, AllOf(HasSubstr("step 12: sequences 44 to 47"), HasSubstr("skipped: ")));
}

TEST_F(TrainTest, OverfitsOneBatchInAFolderOfItsOwn) {
  const auto result = train("checked", {"training.max_steps=20"}, {}, {"--overfit-one-batch"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("every step takes the first 4 sequences"));
  EXPECT_THAT(result.out, Not(HasSubstr("model folder")));
  EXPECT_FALSE(fs::exists(file("checked")));
  EXPECT_TRUE(fs::exists(file("checked-overfit") + "/log.jsonl"));
  EXPECT_FALSE(fs::exists(file("checked-overfit") + "/checkpoints/latest"));
}

TEST_F(TrainTest, AveragedWeightsAreEvaluatedAndExported) {
  ASSERT_EQ(train("averaged", {"training.max_steps=10", "training.ema_decay=0.9"}).exit_code, 0);
  const auto measured = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--data", file("valid"), "--json"});
    return perplexity(arguments).out;
  };
  const std::string averaged = measured({"--checkpoint", file("averaged"), "--ema"});
  EXPECT_NE(averaged, measured({"--checkpoint", file("averaged")}));
  ASSERT_EQ(run_child({"linformer-convert", "ema", "--input", file("averaged"), "--output",
                       file("exported")})
                .exit_code,
            0);
  const auto number = [](const std::string& json) {
    return json.substr(json.find("\"nll_sum\""), 40);
  };
  EXPECT_EQ(number(measured({"--checkpoint", file("exported")})), number(averaged));
  ASSERT_EQ(train("raw", {"training.max_steps=1"}).exit_code, 0);
  const auto refused = perplexity({"--checkpoint", file("raw"), "--ema", "--data", file("valid")});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("no averaged weights"));
}

TEST_F(TrainTest, CommandLine) {
  EXPECT_EQ(run_child({"linformer-train"}).exit_code, 2);
  EXPECT_EQ(run_child({"linformer-train", "--confg", "x"}).exit_code, 2);
  EXPECT_EQ(run_child({"linformer-train", "--config", file("none.yaml")}).exit_code, 2);
  EXPECT_EQ(run_child({"linformer-train", "--version"}).exit_code, 0);
  const auto help = run_child({"linformer-train", "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("--dry-run"), HasSubstr("Examples:")));
}

TEST_F(TrainTest, NothingMaskedInHeldOutTextIsNoFailure) {
  write_file_atomically(file("short.txt"), "a\n");
  ASSERT_EQ(prepare(file("short.txt"), "short").exit_code, 0);
  for (const char* every : {"0", "5"}) {
    const std::string name = std::string("nothing") + every;
    const auto result =
        train(name, {"data.valid=[" + file("short") + "]", "evaluation.mlm_probability=1e-6",
                     std::string("evaluation.every=") + every, "checkpoint.every=0",
                     "training.max_steps=20", "run.threads=1"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(
        result.err,
        AllOf(HasSubstr("nothing of the held-out text is masked"), HasSubstr("finished at step 20"),
              Not(HasSubstr("lower training.learning_rate")), Not(HasSubstr(" nan"))));
    EXPECT_THAT(result.out, AllOf(HasSubstr("nothing of the held-out text was masked"),
                                  Not(HasSubstr(" nan"))));
    EXPECT_TRUE(fs::exists(file(name) + "/checkpoints/step-00000020/MANIFEST.json"));
  }
}

}  // namespace
}  // namespace linformer
