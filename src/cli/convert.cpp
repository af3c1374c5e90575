// linformer-convert: import and export of models, and conversions between forms.
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "option_checks.h"
#include "programs.h"

#include "linformer/checkpoint/find_model.h"
#include "linformer/config/config_file.h"
#include "linformer/config/projection_rules.h"
#include "linformer/core/error.h"
#include "linformer/models/model_conversion.h"

namespace linformer {

namespace {

struct Arguments {
  std::string format = "hf";
  std::vector<std::string> inputs;
  std::string output;
  std::vector<std::string> overrides;
  int64_t max_sequence_length = 0;
  std::string method = "interpolate";
  uint64_t seed = 1;

  /// The model folder for the single --input.
  std::string input() const { return find_model_folder(inputs.front()); }
};

void report(const std::string& output, const ConversionNotes& notes) {
  for (const std::string& note : notes) std::printf("%s\n", note.c_str());
  std::printf("wrote %s\n", output.c_str());
}

/// The default attention of a converted RoBERTa: block averages, unless the options say otherwise
/// or the projection has its own start.
AttentionConfig wanted_attention(const Arguments& arguments) {
  AttentionConfig attention;
  bool init_given = false;
  const FieldList fields = fields_of(attention);
  for (const std::string& assignment : arguments.overrides) {
    const std::string own = without_prefix(without_prefix(assignment, "model."), "attention.");
    apply_override(fields, own);
    init_given = init_given || own.starts_with("init=");
  }
  if (!init_given && !projection_rules(attention.projection).has_own_start()) {
    attention.init = ProjectionInit::kBlockAverage;
  }
  return attention;
}

CLI::App* add_command(CLI::App& program, const std::string& name, const std::string& help,
                      const std::shared_ptr<Arguments>& arguments, bool several_inputs = false) {
  CLI::App* command = program.add_subcommand(name, help);
  CLI::Option* input = command->add_option(
      "--input", arguments->inputs,
      several_inputs
          ? "model or run folders (a run's newest checkpoint; of a fine-tuned run its best)"
          : "model or run folder (a run's newest checkpoint; of a fine-tuned run its "
            "best)");
  input->required();
  if (!several_inputs) input->expected(1);
  command->add_option("--output", arguments->output, "folder to make")->required();
  return command;
}

void add_import_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = add_command(
      program, "import", "a model of another program as a model folder of this one", arguments);
  command
      ->add_option("--from", arguments->format,
                   "hf: RoBERTa of transformers; fairseq: the official Linformer or RoBERTa")
      ->check(takes_one_of({"hf", "fairseq"}))
      ->required();
  add_examples(*command,
               {"linformer-convert import --from hf --input roberta-base --output models/roberta"});
  command->callback([arguments] {
    const ForeignFormat format = *enum_of<ForeignFormat>(arguments->format);
    report(arguments->output, import_model(format, arguments->input(), arguments->output));
  });
}

void add_export_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = add_command(
      program, "export",
      "a folder that transformers opens; for a Linformer with its Python module beside it",
      arguments);
  command->add_option("--to", arguments->format, "hf: Hugging Face transformers")
      ->check(takes_one_of({"hf"}))
      ->capture_default_str();
  add_examples(*command,
               {"linformer-convert export --to hf --input runs/sample --output exported"});
  command->callback([arguments] {
    report(arguments->output, export_model(arguments->input(), arguments->output));
  });
}

void add_linformerise_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = add_command(
      program, "linformerise",
      "a standard model as a Linformer: its weights stay, E and F are added (block averages)",
      arguments);
  command->add_option("--set", arguments->overrides,
                      "KEY=VALUE of the attention, as in a configuration, e.g. "
                      "model.attention.projected_length=64");
  command->add_option("--seed", arguments->seed, "seed of the weights that are added")
      ->capture_default_str();
  add_examples(*command, {"linformer-convert linformerise --input models/roberta --output "
                          "models/linformer --set model.attention.projected_length=128 "
                          "model.attention.sharing=layerwise"});
  command->callback([arguments] {
    report(arguments->output, linformerise_model(arguments->input(), arguments->output,
                                                 wanted_attention(*arguments), arguments->seed));
  });
}

void add_extend_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      add_command(program, "extend", "the same model for longer sequences", arguments);
  command->add_option("--max-sequence-length", arguments->max_sequence_length, "the new n")
      ->required()
      ->check(takes_above_zero());
  command
      ->add_option("--method", arguments->method,
                   "interpolate: positions and E, F stretched; tile: repeated, so that short "
                   "inputs of a linear projection keep their output")
      ->check(takes_one_of({"interpolate", "tile"}))
      ->capture_default_str();
  add_examples(*command, {"linformer-convert extend --input models/linformer --output "
                          "models/linformer-1024 --max-sequence-length 1024"});
  command->callback([arguments] {
    report(arguments->output,
           extend_model(arguments->input(), arguments->output, arguments->max_sequence_length,
                        *enum_of<ExtendMethod>(arguments->method)));
  });
}

void add_average_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = add_command(program, "average", "the mean of several models' weights",
                                  arguments, /*several_inputs=*/true);
  add_examples(*command, {"linformer-convert average --output averaged --input "
                          "runs/a/checkpoints/step-00009000 runs/a/checkpoints/step-00010000"});
  command->callback([arguments] {
    std::vector<std::string> folders;
    for (const std::string& input : arguments->inputs) folders.push_back(find_model_folder(input));
    report(arguments->output, average_models(folders, arguments->output));
  });
}

void add_ema_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = add_command(
      program, "ema",
      "the moving average of the weights that a run with training.ema_decay kept, as a "
      "model folder (in pre-training a checkpoint's own model.safetensors holds the raw "
      "weights)",
      arguments);
  add_examples(*command, {"linformer-convert ema --input runs/a --output models/averaged"});
  command->callback([arguments] {
    report(arguments->output, export_averaged_weights(arguments->input(), arguments->output));
  });
}

}  // namespace

}  // namespace linformer

int main(int argc, char** argv) {
  const linformer::ProgramInfo info = linformer::program_info(
      "linformer-convert",
      {"linformer-convert import --from hf --input roberta-base --output models/roberta",
       "linformer-convert linformerise --input models/roberta --output models/linformer"});
  return linformer::run_program(argc, argv, info, [](CLI::App& program) {
    program.require_subcommand(1);
    linformer::add_import_command(program);
    linformer::add_export_command(program);
    linformer::add_linformerise_command(program);
    linformer::add_extend_command(program);
    linformer::add_average_command(program);
    linformer::add_ema_command(program);
  });
}
