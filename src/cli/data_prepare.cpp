// linformer-data prepare: encodes text into token shards.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "data_benchmark.h"
#include "data_commands.h"
#include "data_inputs.h"
#include "data_shard_set.h"
#include "option_checks.h"
#include "program.h"
#include "table_output.h"

#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/log.h"
#include "linformer/core/processors.h"
#include "linformer/core/stop_signal.h"

namespace linformer {

namespace {

struct PrepareArguments {
  TextInputs inputs;
  std::string tokenizer;
  std::string output;
  std::string part = "1/1";
  std::string special_literals = "auto";
  double shard_mb = 64.0;
  int threads = 0;
  bool overwrite = false;
  bool benchmark = false;
  double benchmark_mb = 8.0;
  bool json = false;
};

/// Statistics of a part of the data set, summed over its shards.
struct SetTotals {
  int64_t shards = 0, documents = 0, sentences = 0, tokens = 0, text_bytes = 0, invalid_utf8 = 0;
  uint64_t file_bytes = 0;
};

CorpusOptions corpus_options(const PrepareArguments& arguments) {
  CorpusOptions options;
  options.inputs = arguments.inputs.paths;
  options.layout = arguments.inputs.parsed_layout();
  options.line_ends = arguments.inputs.parsed_line_ends();
  options.bad_lines = arguments.inputs.parsed_bad_lines();
  if (arguments.special_literals == "text") options.literals = SpecialLiterals::kAsText;
  if (arguments.special_literals == "unk") options.literals = SpecialLiterals::kUnkAsId;
  if (arguments.special_literals == "ids") options.literals = SpecialLiterals::kAsIds;
  if (!(arguments.shard_mb >= 0.001 && arguments.shard_mb <= 8192.0)) {
    fail_usage("--shard-mb", format_number(arguments.shard_mb) + " is out of range",
               "choose 0.001 to 8192, for example 64");
  }
  options.shard_text_bytes = static_cast<uint64_t>(arguments.shard_mb * 1e6);
  options.threads = arguments.threads == 0 ? static_cast<int>(num_processors()) : arguments.threads;
  if (arguments.threads != 0) check_threads("--threads", arguments.threads);
  return options;
}

/// Identifies input and options: it is equal only if every byte of the shards is equal. Standard
/// input cannot be read in advance, so its fingerprint is 0, "unknown".
uint64_t settings_fingerprint(const PrepareArguments& arguments, const Tokenizer& tokenizer) {
  const auto& paths = arguments.inputs.paths;
  const auto seekable = [](const std::string& path) {
    return path != "-" && std::filesystem::is_regular_file(path);
  };
  if (!std::all_of(paths.begin(), paths.end(), seekable)) return 0;
  nlohmann::ordered_json settings{{"format", kCorpusEncodingVersion},
                                  {"tokenizer", to_hex(tokenizer.hash())},
                                  {"layout", arguments.inputs.layout},
                                  {"line_ends", arguments.inputs.line_ends},
                                  {"bad_lines", arguments.inputs.bad_lines},
                                  {"special_literals", arguments.special_literals},
                                  {"sentence_splitter", kSentenceSplitterVersion},
                                  {"shard_mb", arguments.shard_mb}};
  for (const std::string& path : paths) {
    settings["inputs"].push_back(to_hex(xxh3_of_file(path)));
  }
  return std::max<uint64_t>(1, xxh3(settings.dump()));
}

SetTotals sum_shards(const std::string& prefix, PartOfSet part) {
  SetTotals totals;
  for (const auto& [index, path] : list_shards(prefix)) {
    if (!part.holds(index)) continue;
    const ShardHeader header = ShardReader(path).header();
    ++totals.shards;
    totals.documents += header.num_documents;
    totals.sentences += header.num_sentences;
    totals.tokens += header.num_tokens;
    totals.text_bytes += header.text_bytes;
    totals.invalid_utf8 += header.num_invalid_utf8;
    totals.file_bytes += std::filesystem::file_size(path);
  }
  return totals;
}

double ratio(int64_t numerator, int64_t denominator) {
  return denominator > 0 ? static_cast<double>(numerator) / static_cast<double>(denominator) : 0.0;
}

nlohmann::ordered_json report(const PrepareArguments& arguments, const Tokenizer& tokenizer,
                              const ShardSetWriter& writer, const std::vector<TextLayout>& layouts,
                              int threads) {
  const double seconds = std::max(writer.seconds(), 1e-9);
  const SetTotals totals = sum_shards(arguments.output, parse_part(arguments.part));
  const CorpusCounts& counts = writer.counts();
  return {{"prefix", arguments.output},
          {"part", arguments.part},
          {"inputs", layouts_json(arguments.inputs.paths, layouts)},
          {"shards", totals.shards},
          {"shards_of_all_parts", writer.num_shards()},
          {"shards_kept", writer.num_kept()},
          {"documents", totals.documents},
          {"sentences", totals.sentences},
          {"tokens", totals.tokens},
          {"text_bytes", totals.text_bytes},
          {"shard_bytes", totals.file_bytes},
          {"tokens_per_sentence", ratio(totals.tokens, totals.sentences)},
          {"bytes_per_token", ratio(totals.text_bytes, totals.tokens)},
          {"invalid_utf8", totals.invalid_utf8},
          {"empty_documents", counts.empty_documents},
          {"documents_without_text", counts.no_text},
          {"bad_lines", counts.bad_lines},
          {"cut_documents", counts.cuts},
          {"vocab_size", tokenizer.vocab_size()},
          {"tokenizer_hash", to_hex(tokenizer.hash())},
          {"threads", threads},
          {"seconds", seconds},
          {"megabytes_per_second", static_cast<double>(counts.text_bytes) / 1e6 / seconds}};
}

void print_report(const nlohmann::ordered_json& result) {
  const auto count = [&](const char* key) { return format_count(result[key].get<int64_t>()); };
  const auto fixed = [&](const char* key) { return format_fixed(result[key].get<double>(), 2); };
  std::vector<std::vector<std::string>> rows{{result["prefix"].get<std::string>(), ""}};
  for (auto& row : layout_rows(result["inputs"])) rows.push_back(std::move(row));
  rows.push_back({"shards kept from before", count("shards_kept")});
  for (const char* key : {"shards", "documents", "sentences", "tokens"}) {
    rows.push_back({key, count(key)});
  }
  rows.push_back({"tokens per sentence", fixed("tokens_per_sentence")});
  rows.push_back({"bytes per token", fixed("bytes_per_token")});
  rows.push_back({"text", format_bytes(result["text_bytes"].get<double>())});
  rows.push_back({"shard files", format_bytes(result["shard_bytes"].get<double>())});
  rows.push_back({"invalid UTF-8 sequences", count("invalid_utf8")});
  rows.push_back({"empty documents left out", count("empty_documents")});
  rows.push_back({"JSON objects without text left out", count("documents_without_text")});
  rows.push_back({"bad lines left out", count("bad_lines")});
  rows.push_back({"cuts in long documents", count("cut_documents")});
  rows.push_back({"MB/s of text", fixed("megabytes_per_second")});
  std::printf("%s", shown_table(rows).c_str());
}

void run_prepare(PrepareArguments& arguments) {
  const uint64_t total = arguments.inputs.check();
  const CorpusOptions options = corpus_options(arguments);
  const PartOfSet part = parse_part(arguments.part);
  defer_stop_signals();  // complete shards are kept, partial ones are removed
  const Tokenizer tokenizer = Tokenizer::load(arguments.tokenizer);
  if (arguments.benchmark) {
    run_encode_benchmark(options, tokenizer, arguments.benchmark_mb, arguments.json);
    return;
  }
  if (arguments.output.empty()) {
    fail_usage("--output", "is missing", "name a prefix, for example data/corpus/train");
  }
  make_parent_directory(arguments.output);
  const ShardSettings settings{tokenizer.vocab_size(), tokenizer.hash(),
                               settings_fingerprint(arguments, tokenizer)};
  ShardSetWriter writer(arguments.output, settings, part,
                        arguments.overwrite ? ExistingShards::kReplace : ExistingShards::kKeepEqual,
                        total);
  std::vector<TextLayout> layouts;
  try {
    layouts = encode_corpus(options, tokenizer, writer);
  } catch (const Stopped&) {
    writer.clear_progress();
    log_warning("stopped; complete shards are kept, and the same command continues from there");
    return;
  }
  writer.clear_progress();
  writer.publish();
  const auto result = report(arguments, tokenizer, writer, layouts, options.threads);
  warn_about_lines(writer.counts().no_text, writer.counts().bad_lines);
  warn_about_utf8(result["invalid_utf8"].get<uint64_t>(), result["text_bytes"].get<uint64_t>());
  if (arguments.json) {
    std::printf("%s\n", json_text(result, 2).c_str());
  } else {
    print_report(result);
  }
}

}  // namespace

void add_prepare_command(CLI::App& program) {
  auto arguments = std::make_shared<PrepareArguments>();
  CLI::App* command = program.add_subcommand(
      "prepare", "encode text into token shards; continues where an earlier run was interrupted");
  arguments->inputs.add_options(*command);
  command->add_option("--tokenizer", arguments->tokenizer, "tokenizer.model of any kind")
      ->required();
  command->add_option("--output", arguments->output,
                      "prefix of the shards: PREFIX-00000.shard and so on");
  command->add_option("--shard-mb", arguments->shard_mb, "million bytes of text in a shard")
      ->capture_default_str();
  command
      ->add_option("--part", arguments->part,
                   "I/N: write only every N-th shard, from the I-th on (array jobs)")
      ->capture_default_str();
  command
      ->add_option("--threads", arguments->threads,
                   "encoding threads, 0 = all cores; the shards do not depend on it")
      ->capture_default_str();
  command
      ->add_option("--special-literals", arguments->special_literals,
                   "what <mask>, <s>, ... spelled out in the text become: text, unk (<unk> between "
                   "blanks becomes its id), ids (all become their ids), or auto (unk in files of "
                   "the layout wikitext, else text)")
      ->check(takes_one_of({"auto", "text", "unk", "ids"}))
      ->capture_default_str();
  command->add_flag("--overwrite", arguments->overwrite,
                    "replace shards of other input or settings, once all new ones are written");
  command->add_flag("--benchmark", arguments->benchmark,
                    "write nothing; compare the speed with SentencePiece's own encoder");
  command->add_option("--benchmark-mb", arguments->benchmark_mb, "million bytes of text to use")
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "print the result as JSON");
  add_markdown_option(*command);
  add_examples(*command,
               {"linformer-data prepare --input corpus/*.txt.zst --output data/corpus/train \\",
                "    --tokenizer data/corpus/tokenizer.model",
                "zcat logs.gz | linformer-data prepare --input - --layout lines ...",
                "linformer-data prepare ... --part 3/8     # one of eight array jobs"});
  command->callback([arguments] { run_prepare(*arguments); });
}

}  // namespace linformer
