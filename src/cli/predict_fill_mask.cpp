// linformer-predict fill-mask: the most probable tokens for each <mask>.
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "predict_commands.h"
#include "predict_stream.h"
#include "program.h"

#include "linformer/analysis/text_prediction.h"
#include "linformer/checkpoint/find_model.h"
#include "linformer/core/format.h"
#include "linformer/models/model_tokenizer.h"

namespace linformer {

namespace {

/// A piece as people read it: "word", or "##ing" if it continues a word. `position` is its place in
/// the row; a text begins at 1, after <s>.
std::string readable(const Tokenizer& tokenizer, int32_t id, int64_t position) {
  const std::string text = tokenizer.readable_piece(id);
  if (tokenizer.is_special(id)) return text;
  if (text.empty()) return tokenizer.piece(id);  // a single blank
  return tokenizer.begins_word(id, position == 1) ? text : "##" + text;
}

/// "sea 0.3122  river 0.1009"; several masks of one line are separated by a TAB.
std::string answer_line(const Tokenizer& tokenizer, const std::vector<MaskGuesses>& masks) {
  std::string line;
  for (const MaskGuesses& mask : masks) {
    if (&mask != &masks.front()) line += '\t';
    for (const TokenGuess& guess : mask.guesses) {
      if (&guess != &mask.guesses.front()) line += "  ";
      line += readable(tokenizer, guess.id, mask.position) + " " + format_number(guess.probability);
    }
  }
  return line;
}

nlohmann::ordered_json answer_object(const Tokenizer& tokenizer,
                                     const std::vector<MaskGuesses>& masks) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const MaskGuesses& mask : masks) {
    nlohmann::ordered_json guesses = nlohmann::ordered_json::array();
    for (const TokenGuess& guess : mask.guesses) {
      guesses.push_back({{"token", readable(tokenizer, guess.id, mask.position)},
                         {"piece", tokenizer.piece(guess.id)},
                         {"id", guess.id},
                         {"probability", guess.probability}});
    }
    list.push_back({{"position", mask.position}, {"guesses", std::move(guesses)}});
  }
  return {{"masks", std::move(list)}};
}

void run_fill_mask(const StreamArguments& arguments) {
  const Computing computing = start_computing(arguments.compute);
  const PredictionScope precision(arguments.precision, computing.device);
  const std::string folder = find_model_folder(arguments.checkpoint);
  const MaskFiller filler = MaskFiller::load(folder, computing.device);
  const Tokenizer tokenizer = load_tokenizer(folder, filler.config());
  answer_requests(arguments, RequestKind::kFillMask, filler.config(), tokenizer,
                  [&](std::vector<TextRequest>& window) {
                    Answers answers;
                    const auto masks =
                        filler.predict(take_rows(window), arguments.top_k, arguments.bounds());
                    answers.complete = masks.size() == window.size();
                    for (const std::vector<MaskGuesses>& line : masks) {
                      if (arguments.json) {
                        answers.objects.push_back(answer_object(tokenizer, line));
                      } else {
                        answers.lines.push_back(answer_line(tokenizer, line));
                      }
                    }
                    return answers;
                  });
}

}  // namespace

void add_fill_mask_command(CLI::App& program) {
  auto arguments = std::make_shared<StreamArguments>();
  CLI::App* command = program.add_subcommand(
      "fill-mask", "the most probable tokens for each <mask> of a text, line by line");
  add_stream_options(*command, *arguments);
  add_examples(
      *command,
      {"linformer-predict fill-mask --checkpoint runs/sample --text 'In Hilmere, two <mask> "
       "thundedon.'",
       "linformer-predict fill-mask --checkpoint models/roberta --text 'The <mask> is blue.'",
       "linformer-predict fill-mask --checkpoint models/roberta --input cloze.txt --json",
       "echo 'A <mask> of <mask>.' | linformer-predict fill-mask --checkpoint models/roberta "
       "--top-k 3"});
  command->callback([arguments] { run_fill_mask(*arguments); });
}

}  // namespace linformer
