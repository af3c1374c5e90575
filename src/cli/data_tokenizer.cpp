// linformer-data tokenizer: trains a SentencePiece model.
#include <cstdio>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "data_commands.h"
#include "data_inputs.h"
#include "data_progress.h"
#include "option_checks.h"
#include "program.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/text/tokenizer.h"
#include "linformer/text/tokenizer_trainer.h"

namespace linformer {

namespace {

struct TokenizerArguments {
  TextInputs inputs;
  std::string output;
  std::string type = "unigram";
  bool no_byte_fallback = false;
  bool overwrite = false;
  bool json = false;
  TokenizerTraining training;
};

void print_result(const TokenizerArguments& arguments, const TrainedTokenizer& trained,
                  double seconds) {
  const Tokenizer tokenizer(trained.model_bytes, arguments.output);
  const auto layouts = layouts_json(arguments.inputs.paths, trained.layouts);
  if (arguments.json) {
    const nlohmann::ordered_json result{{"model", arguments.output},
                                        {"type", arguments.type},
                                        {"vocab_size", tokenizer.vocab_size()},
                                        {"tokenizer_hash", to_hex(tokenizer.hash())},
                                        {"inputs", layouts},
                                        {"documents", trained.documents},
                                        {"documents_without_text", trained.no_text},
                                        {"bad_lines", trained.bad_lines},
                                        {"sentences", trained.sentences},
                                        {"cut_sentences", trained.cut_sentences},
                                        {"text_bytes", trained.text_bytes},
                                        {"invalid_utf8", trained.invalid_utf8},
                                        {"seconds", seconds}};
    std::printf("%s\n", json_text(result, 2).c_str());
    return;
  }
  std::printf("%s: %s, %s pieces, %s\n", arguments.output.c_str(), arguments.type.c_str(),
              format_count(tokenizer.vocab_size()).c_str(), to_hex(tokenizer.hash()).c_str());
  std::printf("from %s documents, %s sentences, %s in %s\n",
              format_count(trained.documents).c_str(), format_count(trained.sentences).c_str(),
              format_bytes(static_cast<double>(trained.text_bytes)).c_str(),
              format_duration(seconds).c_str());
  for (const auto& row : layout_rows(layouts)) {
    std::printf("%s: %s\n", row[0].c_str(), row[1].c_str());
  }
  if (trained.cut_sentences > 0) {
    std::printf("%s sentences of more than 16,384 bytes were cut, and learned from in parts\n",
                format_count(trained.cut_sentences).c_str());
  }
}

void run_tokenizer(TokenizerArguments& arguments) {
  TokenizerTraining& training = arguments.training;
  const uint64_t total = arguments.inputs.check();
  training.inputs = arguments.inputs.paths;
  training.layout = arguments.inputs.parsed_layout();
  training.line_ends = arguments.inputs.parsed_line_ends();
  training.bad_lines = arguments.inputs.parsed_bad_lines();
  training.type = tokenizer_type_of(arguments.type);
  training.byte_fallback = !arguments.no_byte_fallback;
  if (!arguments.overwrite && std::filesystem::exists(arguments.output)) {
    fail_usage(arguments.output, "the file exists, and shards may belong to it",
               "choose another --output, or add --overwrite");
  }
  make_parent_directory(arguments.output);
  TrainedTokenizer trained;
  double seconds = 0.0;
  {
    DataProgress progress("reading text", total);
    trained = train_tokenizer(training, [&](uint64_t consumed) {
      progress.update(consumed, consumed);
      return true;
    });
    seconds = progress.seconds();
  }
  write_file_atomically(arguments.output, trained.model_bytes);
  warn_about_lines(trained.no_text, trained.bad_lines);
  warn_about_utf8(trained.invalid_utf8, trained.text_bytes);
  print_result(arguments, trained, seconds);
}

}  // namespace

void add_tokenizer_command(CLI::App& program) {
  auto arguments = std::make_shared<TokenizerArguments>();
  TokenizerTraining& training = arguments->training;
  CLI::App* command = program.add_subcommand("tokenizer", "train a SentencePiece tokenizer");
  arguments->inputs.add_options(*command);
  command->add_option("--output", arguments->output, "model file to write")->required();
  command
      ->add_option("--vocab-size", training.vocab_size,
                   "pieces in all, the five special tokens included")
      ->capture_default_str();
  command->add_option("--type", arguments->type, "kind of SentencePiece model")
      ->check(takes_one_of({"unigram", "bpe"}))
      ->capture_default_str();
  command->add_flag("--no-byte-fallback", arguments->no_byte_fallback,
                    "rare characters become <unk> instead of bytes");
  command
      ->add_option("--character-coverage", training.character_coverage,
                   "share of the text's characters that get pieces of their own")
      ->capture_default_str();
  command
      ->add_option("--normalization", training.normalization,
                   "nmt_nfkc, nfkc, nmt_nfkc_cf, nfkc_cf (cf: lower case) or identity (none)")
      ->check(takes_one_of({"nmt_nfkc", "nfkc", "nmt_nfkc_cf", "nfkc_cf", "identity"}))
      ->capture_default_str();
  command
      ->add_option("--sample-sentences", training.sample_sentences,
                   "sentences drawn from the text to train on; 0 = all")
      ->capture_default_str();
  command->add_option("--seed", training.seed, "seed of that draw")->capture_default_str();
  command
      ->add_option("--threads", training.threads,
                   "threads; the model depends on this number, so the default is not the number "
                   "of cores")
      ->capture_default_str();
  command->add_flag("--overwrite", arguments->overwrite, "replace an existing model file");
  command->add_flag("--json", arguments->json, "print the result as JSON");
  add_examples(*command, {"linformer-data tokenizer --input corpus/*.txt.zst --vocab-size 32000 \\",
                          "    --output data/corpus/tokenizer.model"});
  command->callback([arguments] { run_tokenizer(*arguments); });
}

}  // namespace linformer
