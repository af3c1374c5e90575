// Fine-tunes a pre-trained model on a table of labelled texts, then classifies one more text.
#include <cstdio>
#include <exception>
#include <string>

#include "linformer/analysis/text_prediction.h"
#include "linformer/data/task_registry.h"
#include "linformer/models/model_tokenizer.h"
#include "linformer/objectives/finetune_run.h"

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s MODEL LABELLED.tsv OUTPUT TEXT\n", argv[0]);
    return 2;
  }
  try {
    // The settings of linformer-finetune: a file (here none), then single keys.
    const std::string output = argv[3];
    linformer::FinetuneRun run(linformer::load_finetune_config(
        "",
        {"task.name=sentiment", "task.train=['" + std::string(argv[2]) + "']",
         "task.text_column=text", "task.label_column=sentiment", "finetune.epochs=3",
         "training.learning_rate=1e-3", "training.precision=fp32",
         "run.init_from='" + std::string(argv[1]) + "'", "run.dir='" + output + "'"},
        linformer::recipe_of_task));
    run.run();
    for (const linformer::SetResult& set : run.result()->sets) {
      std::printf("%s: accuracy %.4f, most frequent class %.4f\n", set.name.c_str(),
                  set.metrics.front().value, set.majority);
    }

    const std::string best = output + "/checkpoints/best";
    const auto classifier = linformer::TextClassifier::load(best);
    const auto tokenizer = linformer::load_tokenizer(best, classifier.config());
    const linformer::TextLimits limits{.max_sequence_length =
                                           classifier.config().max_sequence_length};
    int64_t num_cut = 0;  // texts that were longer
    const auto row = linformer::encode_texts_within(tokenizer, argv[4], nullptr, limits, num_cut);
    const auto logits = classifier.predict({&row, 1}).front();
    const linformer::LabelGuess guess = linformer::most_probable(logits, 1).front();
    std::printf("%s %.4f\n", classifier.head().labels[guess.label].c_str(), guess.probability);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
