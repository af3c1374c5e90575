// One rule in all programs: a path that the user names and that does not exist is wrong usage (exit
// code 2); a file that exists and cannot be used is a failure (exit code 1).
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/predict_fixture.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

using Words = std::vector<std::string>;

class MissingPathTest : public PredictTest {
 protected:
  void SetUp() override {
    PredictTest::SetUp();
    write_file_atomically(file("text.txt"), "a text\n\nanother\n");
    std::string table = "text\tlabel\n";
    for (int i = 0; i < 20; ++i) table += i % 2 == 0 ? "good\tpositive\n" : "bad\tnegative\n";
    write_file_atomically(file("table.tsv"), table);
    ASSERT_EQ(data({"prepare", "--input", file("text.txt"), "--tokenizer", tokenizer(), "--output",
                    file("shards")})
                  .exit_code,
              0);
    write_file_atomically(
        file("train.yaml"),
        "run: {dir: " + file("run") + "}\ntokenizer: {model: " + tokenizer() + "}\n" +
            "data: {train: [" + file("shards") + "]}\n" +
            "model: {hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2, " +
            "intermediate_size: 32, max_sequence_length: 32, attention: {projected_length: 8}}\n" +
            "training: {max_steps: 1, precision: fp32, global_batch_size: 2, " +
            "micro_batch_size: 2}\n");
  }

  std::string tokenizer() const { return file("mlm/tokenizer.model"); }

  /// linformer-finetune on a table of one's own, with more settings.
  Words finetune(const std::string& model, const Words& more) const {
    Words words{"linformer-finetune",
                "--task",
                "mine",
                "--model",
                model,
                "--output",
                file("tuned"),
                "--set",
                "task.text_column=text",
                "task.label_column=label"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
};

TEST_F(MissingPathTest, IsWrongUsageInEveryProgram) {
  const std::string none = "none/such";
  const std::string mlm = file("mlm"), sentiment = file("sentiment"), out = file("out");
  const std::string text = file("text.txt"), table = file("table.tsv"), yaml = file("train.yaml");
  const std::string train = "task.train=[" + table + "]";
  const std::vector<Words> lines{
      // configuration
      {"linformer-train", "--config", none},
      {"linformer-finetune", "--config", none},
      {"linformer-data", "why", "--config", none, "--step", "1"},
      // tokenizer
      {"linformer-train", "--config", yaml, "--set", "tokenizer.model=" + none},
      {"linformer-train", "--config", yaml, "--dry-run", "--set", "tokenizer.model=" + none},
      {"linformer-data", "prepare", "--input", text, "--tokenizer", none, "--output", out},
      {"linformer-data", "why", "--config", yaml, "--tokenizer", none, "--step", "1"},
      // shards
      {"linformer-train", "--config", yaml, "--set", "data.train=[" + none + "]"},
      {"linformer-train", "--config", yaml, "--dry-run", "--set", "data.train=[" + none + "]"},
      {"linformer-data", "inspect", "--data", none},
      {"linformer-data", "why", "--config", yaml, "--data", none, "--step", "1"},
      // text
      {"linformer-data", "tokenizer", "--input", none, "--output", out},
      {"linformer-data", "prepare", "--input", none, "--tokenizer", tokenizer(), "--output", out},
      {"linformer-eval", "perplexity", "--checkpoint", mlm, "--data", none},
      {"linformer-eval", "spectrum", "--checkpoint", mlm, "--data", none},
      {"linformer-eval", "projection-error", "--checkpoint", mlm, "--data", none},
      {"linformer-predict", "fill-mask", "--checkpoint", mlm, "--input", none},
      // tables and rows
      {"linformer-eval", "perplexity", "--checkpoint", mlm, "--examples", none},
      {"linformer-eval", "task", "--checkpoint", sentiment, "--input", none + ".tsv"},
      {"linformer-eval", "spectrum", "--checkpoint", mlm, "--task", "sst-2", "--input",
       none + ".tsv"},
      {"linformer-predict", "classify", "--checkpoint", sentiment, "--input", none + ".tsv"},
      {"linformer-predict", "features", "--checkpoint", mlm, "--input", none, "--output", out},
      finetune(mlm, {"task.train=[" + none + ".tsv]"}),
      finetune(mlm, {train, "task.valid=[" + none + ".tsv]"}),
      finetune(mlm, {train, "task.valid=[" + table + "]", "task.test=[" + none + ".tsv]"}),
      finetune(mlm, {"task.train=[" + none + ".tsv]", "--baseline", "bag-of-words"}),
      // folders of tasks and of results
      {"linformer-finetune", "--task", "rte", "--data", none, "--model", mlm, "--output", out},
      {"linformer-finetune", "--suite", "rte", "--data", none, "--model", mlm, "--output", out},
      {"linformer-finetune", "--suite", "rte", "--report", "--output", none},
      // checkpoints
      {"linformer-train", "--config", yaml, "--set", "run.init_from=" + none},
      finetune(none, {train}),
      {"linformer-finetune", "--suite", "rte", "--data", file(""), "--model", none, "--output",
       out},
      {"linformer-eval", "perplexity", "--checkpoint", none, "--data", text},
      {"linformer-eval", "recall", "--checkpoint", none},
      {"linformer-eval", "task", "--checkpoint", none, "--input", table},
      {"linformer-eval", "spectrum", "--checkpoint", none, "--data", text},
      {"linformer-eval", "projection-error", "--checkpoint", none, "--data", text},
      {"linformer-predict", "fill-mask", "--checkpoint", none, "--text", "<mask>"},
      {"linformer-predict", "classify", "--checkpoint", none, "--text", "a"},
      {"linformer-predict", "features", "--checkpoint", none, "--input", text, "--output", out},
      {"linformer-convert", "import", "--from", "hf", "--input", none, "--output", out},
      {"linformer-convert", "export", "--input", none, "--output", out},
      {"linformer-convert", "linformerise", "--input", none, "--output", out},
      {"linformer-convert", "extend", "--max-sequence-length", "64", "--input", none, "--output",
       out},
      {"linformer-convert", "average", "--input", mlm, none, "--output", out},
      {"linformer-convert", "ema", "--input", none, "--output", out},
      // runs, expected curves, experiments, programs
      {"linformer-train", "--config", yaml, "--expect", none},
      {"linformer-report", "list", none},
      {"linformer-report", "run", none},
      {"linformer-report", "compare", none, none, "--no-page"},
      {"linformer-report", "expected", none, "--output", out},
      {"linformer-report", "paper", "--experiments", none, "--list"},
      {"linformer-launch", "--", none},
  };
  for (const Words& line : lines) {
    const ProgramResult result = run_child(line);
    const std::string shown = ::testing::PrintToString(line) + "\n" + result.err;
    EXPECT_EQ(result.exit_code, 2) << shown;
    EXPECT_THAT(result.err, AllOf(HasSubstr(none), HasSubstr("error: "), HasSubstr("\n  fix: ")))
        << shown;
    EXPECT_FALSE(fs::exists(out)) << shown;
  }
}

TEST_F(MissingPathTest, AFileThatCannotBeUsedIsAFailure) {
  const std::string text = file("text.txt"), bad = file("bad"), out = file("out");
  write_file_atomically(bad, std::string("no\0file", 7));
  write_file_atomically(file("broken-00000.shard"), "no shard");
  fs::copy(file("mlm"), file("no-weights"), fs::copy_options::recursive);
  fs::remove(file("no-weights") + "/model.safetensors");
  fs::copy(file("mlm"), file("no-tokenizer"), fs::copy_options::recursive);
  fs::remove(file("no-tokenizer") + "/tokenizer.model");
  const std::vector<Words> lines{
      {"linformer-data", "prepare", "--input", text, "--tokenizer", bad, "--output", out},
      {"linformer-data", "tokenizer", "--input", bad, "--output", out},
      {"linformer-data", "inspect", "--data", file("broken")},
      {"linformer-eval", "perplexity", "--checkpoint", file("mlm"), "--data", bad},
      {"linformer-eval", "perplexity", "--checkpoint", file("no-weights"), "--data", text},
      {"linformer-eval", "perplexity", "--checkpoint", file("no-tokenizer"), "--data", text},
      {"linformer-predict", "fill-mask", "--checkpoint", file("no-weights"), "--text", "<mask>"},
      {"linformer-convert", "export", "--input", file("no-weights"), "--output", out},
      finetune(file("no-weights"), {"task.train=[" + file("table.tsv") + "]"}),
  };
  for (const Words& line : lines) {
    const ProgramResult result = run_child(line);
    const std::string shown = ::testing::PrintToString(line) + "\n" + result.err;
    EXPECT_EQ(result.exit_code, 1) << shown;
    EXPECT_THAT(result.err, HasSubstr("\n  fix: ")) << shown;
  }
}

}  // namespace
}  // namespace linformer
