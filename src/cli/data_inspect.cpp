// linformer-data inspect: shards, packing and masks, as numbers and as readable text.
#include <cstdio>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "data_commands.h"
#include "data_show.h"
#include "option_checks.h"
#include "program.h"
#include "table_output.h"

#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/data/token_dataset.h"
#include "linformer/data/token_shard.h"
#include "linformer/metrics/percent.h"

namespace linformer {

namespace {

using Json = nlohmann::ordered_json;

struct InspectArguments {
  std::vector<std::string> prefixes;
  std::string tokenizer;
  int64_t max_sequence_length = 512;
  std::optional<int64_t> sample;
  int64_t epoch = 0;
  uint64_t seed = 1;
  double mlm_probability = 0.15;
  std::string masking = "token";
  bool json = false;
};

double ratio(int64_t numerator, int64_t denominator) {
  return denominator > 0 ? static_cast<double>(numerator) / static_cast<double>(denominator) : 0.0;
}

/// One row per shard. Damaged shards are included, so that the user sees which ones to replace.
Json inspect_shards(const std::vector<std::string>& prefixes) {
  Json shards = Json::array();
  for (const std::string& prefix : prefixes) {
    for (const auto& [index, path] : list_shards(prefix)) {
      Json shard{{"path", path}};
      try {
        const ShardReader reader(path);
        const ShardHeader& header = reader.header();
        shard["documents"] = header.num_documents;
        shard["sentences"] = header.num_sentences;
        shard["tokens"] = header.num_tokens;
        shard["text_bytes"] = header.text_bytes;
        shard["invalid_utf8"] = header.num_invalid_utf8;
        shard["bytes_per_id"] = header.bytes_per_id;
        shard["vocab_size"] = header.settings.vocab_size;
        shard["tokenizer_hash"] = to_hex(header.settings.tokenizer_hash);
        shard["is_last"] = header.is_last;
        reader.verify();
        shard["whole"] = true;
      } catch (const Error& error) {
        shard["whole"] = false;
        shard["error"] = error.what();
      }
      shards.push_back(std::move(shard));
    }
  }
  return shards;
}

void print_shards(const Json& shards) {
  std::vector<std::vector<std::string>> rows{
      {"shard", "documents", "sentences", "tokens", "text", "state"}};
  for (const Json& shard : shards) {
    const auto count = [&](const char* key) {
      return shard.contains(key) ? format_count(shard[key].get<int64_t>()) : std::string("?");
    };
    std::string state = shard["whole"].get<bool>() ? "whole" : "DAMAGED";
    if (shard.value("is_last", false)) state += ", last";
    rows.push_back({shard["path"].get<std::string>(), count("documents"), count("sentences"),
                    count("tokens"), format_bytes(shard.value("text_bytes", 0.0)), state});
  }
  std::printf("%s\n", shown_table(rows).c_str());
}

Json inspect_set(const TokenDataset& dataset, const SequencePacking& packing) {
  return {{"documents", dataset.num_documents()},
          {"sentences", dataset.num_sentences()},
          {"tokens", dataset.num_tokens()},
          {"text_bytes", dataset.text_bytes()},
          {"invalid_utf8", dataset.num_invalid_utf8()},
          {"vocab_size", dataset.vocab_size()},
          {"tokenizer_hash", to_hex(dataset.tokenizer_hash())},
          {"tokens_per_sentence", ratio(dataset.num_tokens(), dataset.num_sentences())},
          {"bytes_per_token", ratio(dataset.text_bytes(), dataset.num_tokens())},
          {"max_sequence_length", packing.max_sequence_length()},
          {"sequences", packing.num_sequences()},
          {"positions", packing.num_positions()},
          {"fill", packing.fill()}};
}

void print_set(const Json& set) {
  const auto count = [&](const char* key) { return format_count(set[key].get<int64_t>()); };
  std::printf("%s documents, %s sentences, %s tokens; %s tokens a sentence, %s bytes a token\n",
              count("documents").c_str(), count("sentences").c_str(), count("tokens").c_str(),
              format_fixed(set["tokens_per_sentence"].get<double>(), 1).c_str(),
              format_fixed(set["bytes_per_token"].get<double>(), 2).c_str());
  std::printf("tokenizer %s, vocabulary of %s; %s invalid UTF-8 sequences\n",
              set["tokenizer_hash"].get<std::string>().c_str(), count("vocab_size").c_str(),
              count("invalid_utf8").c_str());
  std::printf("packed to n = %s: %s sequences, %s of their positions hold a token\n",
              count("max_sequence_length").c_str(), count("sequences").c_str(),
              percent_text(set["fill"].get<double>()).c_str());
}

void inspect_sample(const InspectArguments& arguments, const Tokenizer& tokenizer,
                    const SequencePacking& packing, Json& result) {
  const int64_t index = *arguments.sample;
  if (index < 0 || index >= packing.num_sequences()) {
    fail_usage("--sample", "there is no sequence " + std::to_string(index),
               "choose 0 to " + std::to_string(packing.num_sequences() - 1));
  }
  const SampleId sample{arguments.epoch, index};
  MaskingOptions masking{.mlm_probability = arguments.mlm_probability,
                         .vocab_size = tokenizer.vocab_size()};
  if (arguments.masking == "whole_word") masking.word_starts = tokenizer.word_starts();
  const MlmMasker masker(masking);
  const std::vector<int32_t> ids = packing.tokens(index);
  const MaskedSequence masked = masker.mask(ids, training_masks(arguments.seed, sample));
  if (arguments.json) {
    result["sample"] = masked_to_json(tokenizer, sample, packing.source(index), ids, masked);
    return;
  }
  std::printf("\nsequence %s, epoch %s, seed %s: %s\n%s\n", format_count(index).c_str(),
              format_count(arguments.epoch).c_str(), std::to_string(arguments.seed).c_str(),
              show_source(packing.source(index), masked).c_str(),
              show_masked(tokenizer, ids, masked).c_str());
}

void run_inspect(const InspectArguments& arguments) {
  if (arguments.prefixes.size() == 1 && is_checkpoint_path(arguments.prefixes.front())) {
    inspect_checkpoints(arguments.prefixes.front(), arguments.json);
    return;
  }
  if (arguments.sample && arguments.tokenizer.empty()) {
    fail_usage("--sample", "text needs the tokenizer", "add --tokenizer FILE");
  }
  Json result{{"shards", inspect_shards(arguments.prefixes)}};
  if (!arguments.json && !result["shards"].empty()) print_shards(result["shards"]);
  std::optional<Tokenizer> tokenizer;
  if (!arguments.tokenizer.empty()) tokenizer = Tokenizer::load(arguments.tokenizer);
  // The shards were already read in full; missing or unsuitable ones are refused here.
  for (const Json& shard : result["shards"]) {
    if (!shard["whole"].get<bool>()) TokenDataset::open(arguments.prefixes);
  }
  const auto dataset = TokenDataset::open(
      arguments.prefixes, tokenizer ? std::optional<uint64_t>(tokenizer->hash()) : std::nullopt,
      DatasetCheck::kHeaders);
  const SequencePacking packing(dataset, {.max_sequence_length = arguments.max_sequence_length});
  result["set"] = inspect_set(dataset, packing);
  if (!arguments.json) print_set(result["set"]);
  if (arguments.sample) inspect_sample(arguments, *tokenizer, packing, result);
  if (arguments.json) std::printf("%s\n", json_text(result, 2).c_str());
}

}  // namespace

void add_inspect_command(CLI::App& program) {
  auto arguments = std::make_shared<InspectArguments>();
  CLI::App* command = program.add_subcommand(
      "inspect",
      "show and verify shards, how they are packed, and a masked sequence; or checkpoints");
  command
      ->add_option("--data,data", arguments->prefixes,
                   "prefixes of shards; or a model folder, or a run folder (all its checkpoints)")
      ->required();
  command->add_option("--tokenizer", arguments->tokenizer,
                      "tokenizer.model: checked against the shards, and needed for text");
  command
      ->add_option("-n,--max-sequence-length", arguments->max_sequence_length,
                   "positions of a sequence, the special tokens included")
      ->capture_default_str();
  command->add_option("--sample", arguments->sample, "show this sequence with its masks");
  command->add_option("--epoch", arguments->epoch, "epoch of the masks, from 0")
      ->check(takes_at_least(0))
      ->capture_default_str();
  command->add_option("--seed", arguments->seed, "seed of the masks (run.seed)")
      ->capture_default_str();
  command->add_option("--mlm-probability", arguments->mlm_probability, "share predicted")
      ->capture_default_str();
  command->add_option("--masking", arguments->masking, "token or whole_word")
      ->check(takes_one_of({"token", "whole_word"}))
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "print the result as JSON");
  add_markdown_option(*command);
  add_examples(*command, {"linformer-data inspect data/corpus/train --max-sequence-length 512",
                          "linformer-data inspect runs/NAME",
                          "linformer-data inspect data/corpus/train --sample 17 --seed 3 \\",
                          "    --tokenizer data/corpus/tokenizer.model"});
  command->callback([arguments] { run_inspect(*arguments); });
}

}  // namespace linformer
