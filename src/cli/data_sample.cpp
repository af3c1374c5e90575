// linformer-data sample: writes the embedded sample corpus.
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "data_commands.h"
#include "program.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/text/sample_corpus.h"

namespace linformer {

namespace {

struct SampleArguments {
  std::string output;
  double megabytes = 4.0;
  uint64_t seed = 1;
  bool json = false;
};

void run_sample(const SampleArguments& arguments) {
  const SampleFiles files =
      write_sample_corpus(arguments.output, arguments.megabytes, arguments.seed);
  if (arguments.json) {
    const nlohmann::ordered_json result{{"train", files.train},
                                        {"train_documents", files.train_documents},
                                        {"train_xxh3", to_hex(xxh3_of_file(files.train))},
                                        {"valid", files.valid},
                                        {"valid_documents", files.valid_documents},
                                        {"valid_xxh3", to_hex(xxh3_of_file(files.valid))},
                                        {"labelled_train", files.labelled_train},
                                        {"labelled_valid", files.labelled_valid},
                                        {"seed", arguments.seed}};
    std::printf("%s\n", json_text(result, 2).c_str());
    return;
  }
  const auto count = [](uint64_t value) { return format_count(static_cast<int64_t>(value)); };
  std::printf(
      "%s: %s documents\n%s: %s documents, held out\n%s, %s: passages with topic and "
      "sentiment\n",
      files.train.c_str(), count(files.train_documents).c_str(), files.valid.c_str(),
      count(files.valid_documents).c_str(), files.labelled_train.c_str(),
      files.labelled_valid.c_str());
}

}  // namespace

void add_sample_command(CLI::App& program) {
  auto arguments = std::make_shared<SampleArguments>();
  CLI::App* command = program.add_subcommand("sample", "write the embedded sample corpus");
  command->add_option("--output", arguments->output, "folder to write to")->required();
  command->add_option("--megabytes", arguments->megabytes, "size of train.txt")
      ->capture_default_str();
  command->add_option("--seed", arguments->seed, "the same seed gives the same bytes")
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "print the result as JSON");
  add_examples(*command, {"linformer-data sample --output data/sample --megabytes 4"});
  command->callback([arguments] { run_sample(*arguments); });
}

}  // namespace linformer
