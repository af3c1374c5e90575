// The text that linformer-eval measures on.
#include "eval_text.h"

#include <cstddef>
#include <vector>

#include <CLI/CLI.hpp>

#include "option_checks.h"

#include "linformer/core/error.h"
#include "linformer/text/corpus_encoder.h"

namespace linformer {

namespace {

bool is_shard_prefix(const std::string& path) {
  return !list_shards(path).empty();
}

}  // namespace

void HeldOutText::add_options(CLI::App& command) {
  command.add_option("--data", data.paths,
                     "held-out text files (.txt, .zst, .gz), or prefixes of token shards");
  data.add_reading_options(command);
  command
      .add_option("--special-literals", special_literals,
                  "text: <unk> in the text is text; unk: it is the token; auto: the token in files "
                  "of the layout wikitext; as prepare")
      ->check(takes_one_of({"auto", "text", "unk"}))
      ->capture_default_str();
}

TextDataset HeldOutText::open(const Tokenizer& tokenizer, int threads) {
  const std::vector<std::string>& paths = data.paths;
  size_t shards = 0;
  for (const std::string& path : paths) shards += is_shard_prefix(path) ? 1 : 0;
  if (shards == paths.size()) return {TokenDataset::open(paths, tokenizer.hash()), {}, {}};
  if (shards > 0) {
    fail_usage("--data", "text files and token shards cannot be mixed",
               "evaluate them one after the other");
  }
  data.check();
  CorpusOptions options;
  options.inputs = paths;
  options.layout = data.parsed_layout();
  options.line_ends = data.parsed_line_ends();
  options.bad_lines = data.parsed_bad_lines();
  if (special_literals == "text") options.literals = SpecialLiterals::kAsText;
  if (special_literals == "unk") options.literals = SpecialLiterals::kUnkAsId;
  options.threads = threads;
  TextDataset text = encode_texts(options, tokenizer);
  warn_about_lines(text.counts.no_text, text.counts.bad_lines);
  warn_about_utf8(text.counts.invalid_utf8, text.counts.text_bytes);
  return text;
}

}  // namespace linformer
