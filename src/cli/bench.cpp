// linformer-bench: speed, always together with the matrix-multiply peak of the same run.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench_commands.h"
#include "compute_options.h"
#include "option_checks.h"
#include "programs.h"

#include "linformer/analysis/step_benchmark.h"
#include "linformer/config/config_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/kernels/matmul_peak.h"
#include "linformer/kernels/precision_speed.h"
#include "linformer/metrics/percent.h"

namespace linformer {

namespace {

struct StepArguments {
  std::string preset = "small";
  std::vector<std::string> overrides;
  int64_t batch_size = 0;
  int64_t steps = 10;
  ComputeOptions compute;
  bool activation_checkpointing = false;
  bool step_graph = false;
  Precision precision = Precision::kFp32;
  OptimizerType optimizer = OptimizerType::kAdamw;
  bool force_slow_precision = false;
  bool json = false;
};

constexpr double kGiga = 1e9;

/// Reads keys of `model` (with or without the prefix "model.") on top of a preset.
void apply_model_overrides(ModelConfig& model, const std::vector<std::string>& overrides) {
  const FieldList fields = fields_of(model);
  for (const std::string& assignment : overrides) {
    apply_override(fields, without_prefix(assignment, "model."));
  }
}

/// "2 threads" or "cuda:0".
std::string describe_device(c10::Device device, int threads) {
  return device.is_cpu() ? std::to_string(threads) + " threads" : device.str();
}

/// `asked`, or what auto stands for on this device.
Precision precision_on(c10::Device device, Precision asked) {
  return asked == Precision::kAuto ? choose_precision(device).precision : asked;
}

StepBenchmarkOptions options_of(const StepArguments& arguments) {
  StepBenchmarkOptions options;
  if (arguments.preset == "base") {
    options.model.vocab_size = 50000;
    options.batch_size = 2;
  } else {
    options.model.vocab_size = 16000;
    options.model.hidden_size = 256;
    options.model.num_hidden_layers = 4;
    options.model.num_attention_heads = 4;
    options.model.intermediate_size = 1024;
    options.batch_size = 8;
  }
  apply_model_overrides(options.model, arguments.overrides);
  if (arguments.batch_size > 0) options.batch_size = arguments.batch_size;
  options.num_steps = arguments.steps;
  options.activation_checkpointing = arguments.activation_checkpointing;
  options.step_graph = arguments.step_graph;
  options.precision = arguments.precision;
  options.optimizer = arguments.optimizer;
  return options;
}

void run_step(const StepArguments& arguments) {
  const auto [device, threads] = start_computing(arguments.compute);
  StepBenchmarkOptions options = options_of(arguments);
  options.device = device;
  options.precision = precision_on(device, options.precision);
  if (options.step_graph && options.precision == Precision::kFp16) {
    fail_usage("--step-graph", "does not go with fp16, whose loss scale changes",
               "use --precision bf16 or fp32");
  }
  check_precision_speed(options.precision, device, arguments.force_slow_precision);
  const StepBenchmarkResult result = benchmark_step(options);
  const auto [fastest, slowest] =
      std::minmax_element(result.step_seconds.begin(), result.step_seconds.end());
  if (arguments.json) {
    const nlohmann::ordered_json json{
        {"tokens_per_second", result.tokens_per_second()},
        {"tokens_per_second_min", result.tokens_per_step / *slowest},
        {"tokens_per_second_max", result.tokens_per_step / *fastest},
        {"step_seconds", result.median_seconds()},
        {"matmul_peak_gflops", result.median_matmul_peak() / kGiga},
        {"model_gflops_per_token", result.model_flops_per_token / kGiga},
        {"mfu", result.mfu()},
        {"peak_tensor_bytes", result.peak_tensor_bytes},
        {"parameters", result.num_parameters},
        {"steps", result.step_seconds.size()},
        {"batch_size", options.batch_size},
        {"sequence_length", options.model.max_sequence_length},
        {"precision", std::string(name_of(options.precision))},
        {"optimizer", std::string(name_of(options.optimizer))},
        {"step_graph", result.ran_as_graph},
        {"device", device.str()},
        {"threads", threads}};
    std::printf("%s\n", json_text(json, 2).c_str());
    return;
  }
  std::printf(
      "%s parameters, %lld x %lld tokens a step, %s, %zu steps\n"
      "precision     %s\n"
      "optimizer     %s\n"
      "tokens/s      %s (median; %s to %s)\n"
      "matmul peak   %s GFLOP/s (median of %zu, measured between the steps)\n"
      "MFU           %s (%s GFLOP per token)\n"
      "tensors       %s at most\n"
      "%s",
      format_count(result.num_parameters).c_str(), static_cast<long long>(options.batch_size),
      static_cast<long long>(options.model.max_sequence_length),
      describe_device(device, threads).c_str(), result.step_seconds.size(),
      std::string(name_of(options.precision)).c_str(),
      std::string(name_of(options.optimizer)).c_str(),
      format_number(result.tokens_per_second()).c_str(),
      format_number(result.tokens_per_step / *slowest).c_str(),
      format_number(result.tokens_per_step / *fastest).c_str(),
      format_number(result.median_matmul_peak() / kGiga).c_str(), result.matmul_peaks.size(),
      percent_text(result.mfu(), 1).c_str(),
      format_number(result.model_flops_per_token / kGiga).c_str(),
      format_bytes(static_cast<double>(result.peak_tensor_bytes)).c_str(),
      !options.step_graph   ? ""
      : result.ran_as_graph ? "step          as a graph\n"
                            : "step          not as a graph: see the message above\n");
}

/// An option for an enum; its present value is the default. `value` has to live as long as the
/// command.
template <NamedEnum E>
void add_enum_option(CLI::App& command, const std::string& name, E& value,
                     const std::string& help) {
  const auto& known = EnumNames<E>::kNames;
  command
      .add_option_function<std::string>(
          name, [&value](const std::string& text) { value = *enum_of<E>(text); }, help)
      ->check(takes_one_of_names(known))
      ->default_str(std::string(name_of(value)));
}

void add_step_command(CLI::App& program) {
  auto arguments = std::make_shared<StepArguments>();
  CLI::App* command = program.add_subcommand(
      "step", "a training step: forward, backward, clipping and update on random tokens");
  command
      ->add_option("--model", arguments->preset,
                   "small: 4 layers of 256, 16,000 words, 8 x 512 tokens; base: 12 of 768, "
                   "50,000 words, 2 x 512")
      ->check(takes_one_of({"small", "base"}))
      ->capture_default_str();
  command->add_option("--set", arguments->overrides,
                      "KEY=VALUE of the model, e.g. model.attention.type=standard");
  command->add_option("--batch-size", arguments->batch_size, "sequences; 0 = the preset's")
      ->check(takes_at_least(0));
  command->add_flag("--activation-checkpointing", arguments->activation_checkpointing,
                    "keep one tensor a layer and compute the rest again");
  command->add_flag("--step-graph", arguments->step_graph,
                    "forward and backward pass as one CUDA graph (training.step_graph)");
  add_enum_option(
      *command, "--precision", arguments->precision,
      "number format of matrix products: fp32, bf16, fp16, or auto for the faster one of "
      "fp32 and bf16");
  add_enum_option(*command, "--optimizer", arguments->optimizer, "adamw or lamb");
  command->add_flag("--force-slow-precision", arguments->force_slow_precision,
                    "measure a precision that is slower than fp32, too");
  command->add_option("--steps", arguments->steps, "measured steps")
      ->check(takes_between(1, 1'000'000))
      ->capture_default_str();
  add_compute_options(*command, arguments->compute);
  command->add_flag("--json", arguments->json, "print the result as JSON");
  add_examples(*command, {"linformer-bench step", "linformer-bench step --model base --steps 5",
                          "linformer-bench step --set model.attention.type=standard --json"});
  command->callback([arguments] { run_step(*arguments); });
}

void add_gemm_command(CLI::App& program) {
  struct Arguments {
    Precision precision = Precision::kFp32;
    ComputeOptions compute;
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = program.add_subcommand(
      "gemm", "the matrix-multiply peak: 2048 x 2048 x 2048, on a GPU 8192 x 8192 x 8192");
  add_enum_option(
      *command, "--precision", arguments->precision,
      "number format of matrix products: fp32, bf16, fp16, or auto for the faster one of "
      "fp32 and bf16");
  add_compute_options(*command, arguments->compute);
  command->add_flag("--json", arguments->json, "print the result as JSON");
  command->callback([arguments] {
    const auto [device, threads] = start_computing(arguments->compute);
    arguments->precision = precision_on(device, arguments->precision);
    std::vector<double> peaks;
    for (int i = 0; i < 5; ++i) {
      peaks.push_back(measure_matmul_peak(arguments->precision, device) / kGiga);
    }
    const auto [lowest, highest] = std::minmax_element(peaks.begin(), peaks.end());
    if (arguments->json) {
      const nlohmann::ordered_json json{{"matmul_peak_gflops", median(peaks)},
                                        {"min", *lowest},
                                        {"max", *highest},
                                        {"precision", std::string(name_of(arguments->precision))},
                                        {"device", device.str()},
                                        {"threads", threads}};
      std::printf("%s\n", json_text(json, 2).c_str());
    } else {
      std::printf("matmul peak %s GFLOP/s (median of 5; %s to %s), %s\n",
                  format_number(median(peaks)).c_str(), format_number(*lowest).c_str(),
                  format_number(*highest).c_str(), describe_device(device, threads).c_str());
    }
  });
}

}  // namespace

}  // namespace linformer

int main(int argc, char** argv) {
  const linformer::ProgramInfo info = linformer::program_info(
      "linformer-bench",
      {"linformer-bench step --json", "linformer-bench attention", "linformer-bench gemm"});
  return linformer::run_program(argc, argv, info, [](CLI::App& program) {
    program.require_subcommand(1);
    linformer::add_step_command(program);
    linformer::add_attention_command(program);
    linformer::add_encoder_command(program);
    linformer::add_operations_command(program);
    linformer::add_reduce_command(program);
    linformer::add_gemm_command(program);
  });
}
