// linformer-eval task, run as a program on small models with random weights.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "cli/model_fixture.h"

namespace linformer {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

const std::string kGlue = LINFORMER_SHARED_DIR "/data/glue/";

class EvalTaskTest : public SmallModelTest {
 protected:
  void SetUp() override {
    make_model("sentiment", {HeadType::kClassification, {"0", "1"}});
    make_model("nli", {HeadType::kClassification, {"entailment", "neutral", "contradiction"}});
    make_model("score", {HeadType::kRegression, {}});
    write_file_atomically(file("own.csv"),
                          "review,stars\n\"good, really\",1\nbad,0\n\"so\nso\",0\n");
  }

  ProgramResult task(const std::string& checkpoint, const std::vector<std::string>& more) const {
    std::vector<std::string> command{"linformer-eval", "task", "--checkpoint", file(checkpoint)};
    command.insert(command.end(), more.begin(), more.end());
    return run_child(command);
  }
  json json_of(const std::string& checkpoint, std::vector<std::string> more) const {
    more.push_back("--json");
    const ProgramResult result = task(checkpoint, more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.exit_code == 0 ? json::parse(result.out) : json();
  }
  static int64_t sum(const json& confusion) {
    int64_t all = 0;
    for (const json& row : confusion) {
      for (const json& count : row) all += count.get<int64_t>();
    }
    return all;
  }
};

TEST_F(EvalTaskTest, OwnColumns) {
  const std::vector<std::string> columns{"--input", file("own.csv"),  "--text-column",
                                         "review",  "--label-column", "stars"};
  const json result = json_of("sentiment", columns);
  const json& measured = result["files"][0];
  EXPECT_EQ(measured["rows"], 3);
  EXPECT_EQ(measured["bad_rows"], 0);
  EXPECT_NEAR(measured["majority_rate"].get<double>(), 2.0 / 3.0, 1e-12);
  EXPECT_EQ(sum(measured["confusion"]), 3);
  const json& confusion = measured["confusion"];
  EXPECT_NEAR(measured["metrics"]["accuracy"].get<double>(),
              (confusion[0][0].get<double>() + confusion[1][1].get<double>()) / 3.0, 1e-12);
  // for people: the same numbers
  const ProgramResult table = task("sentiment", columns);
  EXPECT_THAT(table.out, AllOf(HasSubstr("3 rows"), HasSubstr("accuracy"),
                               HasSubstr("label \\ predicted"), HasSubstr("majority class")));
  auto predicting = columns;
  predicting.insert(predicting.end(), {"--predictions", file("p.tsv")});
  ASSERT_EQ(task("sentiment", predicting).exit_code, 0);
  const std::string predictions = read_text_file(file("p.tsv"));
  EXPECT_THAT(predictions, StartsWith("line\tid\tlabel\tprediction\tp(0)\tp(1)\n2\t0\t1\t"));
  EXPECT_EQ(std::count(predictions.begin(), predictions.end(), '\n'), 4);
}

TEST_F(EvalTaskTest, GluesFilesAsTheyAre) {
  if (!std::filesystem::exists(kGlue)) GTEST_SKIP() << kGlue << " is not there";
  const json sst2 = json_of("sentiment", {"--task", "sst-2", "--input", kGlue + "SST-2/dev.tsv"});
  EXPECT_EQ(sst2["files"][0]["rows"], 872);
  EXPECT_EQ(sum(sst2["files"][0]["confusion"]), 872);
  EXPECT_NEAR(sst2["files"][0]["majority_rate"].get<double>(), 444.0 / 872.0, 1e-12);
  // both dev sets of MNLI, one after the other
  const json mnli =
      json_of("nli", {"--task", "mnli", "--input", kGlue + "MNLI/dev_matched.part.tsv.zst",
                      kGlue + "MNLI/dev_mismatched.tokenized.part.tsv.zst"});
  ASSERT_THAT(mnli["files"], SizeIs(2));
  EXPECT_EQ(mnli["files"][0]["rows"], 7469);
  EXPECT_EQ(mnli["files"][1]["rows"], 1000);
  EXPECT_EQ(mnli["files"][1]["is_part"], true);
  // the diagnostics, with a model of MNLI
  const json ax = json_of("nli", {"--task", "ax", "--input", kGlue + "AX/diagnostic-full.tsv"});
  EXPECT_EQ(ax["files"][0]["rows"], 1104);
  EXPECT_TRUE(ax["files"][0]["metrics"].contains("mcc"));
  const json stsb = json_of("score", {"--task", "sts-b", "--input", kGlue + "STS-B/dev.tsv"});
  EXPECT_EQ(stsb["files"][0]["rows"], 1500);
  EXPECT_TRUE(stsb["files"][0]["metrics"].contains("spearman"));
  EXPECT_FALSE(stsb["files"][0].contains("confusion"));
}

TEST_F(EvalTaskTest, PredictsFilesWithoutLabels) {
  write_file_atomically(file("test.tsv"), "index\tsentence\n0\tgood\n1\tbad\n");
  const ProgramResult result = task("sentiment", {"--task", "sst-2", "--input", file("test.tsv"),
                                                  "--predictions", file("p.tsv")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("no labels: predictions only"));
  EXPECT_THAT(read_text_file(file("p.tsv")), HasSubstr("\n2\t0\t\t"));
}

// The run's own evaluation, the table of eval, and the lines of predict: the same numbers.
TEST_F(EvalTaskTest, AgreesWithTheRunThatMadeTheModel) {
  make_model("mlm", {});
  std::filesystem::create_directories(file("glue/RTE"));
  std::string rows = "index\tsentence1\tsentence2\tlabel\n";
  std::string pairs;
  for (int i = 0; i < 30; ++i) {
    // too long for the run, so that both have to cut alike
    const std::string pair = "the old house of the river " + std::to_string(i) + "\t" +
                             (i % 3 == 0 ? "a stone" : "a river and a stone and a house");
    rows +=
        std::to_string(i) + "\t" + pair + (i % 3 == 0 ? "\tentailment\n" : "\tnot_entailment\n");
    pairs += pair + "\n";
  }
  write_file_atomically(file("glue/RTE/train.tsv"), rows);
  write_file_atomically(file("glue/RTE/dev.tsv"), rows);
  const ProgramResult run =
      run_child({"linformer-finetune", "--task", "rte", "--data", file("glue"), "--model",
                 file("mlm"), "--output", file("run"), "--set", "finetune.epochs=2",
                 "input.max_length=12", "input.truncation=tail"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json result = json_of("run/checkpoints/best", {"--input", file("glue/RTE/dev.tsv"),
                                                       "--predictions", file("p.tsv")});
  EXPECT_EQ(read_text_file(file("p.tsv")), read_text_file(file("run/predictions/dev.tsv")));
  EXPECT_EQ(json_of("run", {"--task", "rte", "--input", file("glue/RTE/dev.tsv"),
                            "--max-sequence-length", "12", "--truncation", "tail"})["files"],
            result["files"]);
  EXPECT_NE(json_of("run", {"--input", file("glue/RTE/dev.tsv"), "--truncation", "head"})["files"],
            result["files"]);
  const json of_run = json::parse(read_text_file(file("run/result.json")));
  EXPECT_EQ(result["files"][0]["metrics"], of_run["sets"][0]["metrics"]);
  EXPECT_GT(result["files"][0]["truncated_rows"], 0);
  const ProgramResult predicted = run_child(
      {"linformer-predict", "classify", "--checkpoint", file("run/checkpoints/best"), "--json"},
      {.standard_input = pairs});
  ASSERT_EQ(predicted.exit_code, 0) << predicted.err;
  const std::vector<std::string> table = lines_of(read_text_file(file("p.tsv")));
  const std::vector<std::string> answers = lines_of(predicted.out);
  ASSERT_THAT(answers, SizeIs(30));
  for (size_t i = 0; i < 30; ++i) {
    std::map<std::string, double> by_name;
    const json answer = json::parse(answers[i]);
    for (const json& label : answer["labels"]) {
      by_name[label["label"]] = label["probability"];
    }
    // line, id, label, prediction, p(entailment), p(not_entailment)
    const std::string& row = table[i + 1];
    const size_t last = row.rfind('\t');
    const size_t before = row.rfind('\t', last - 1);
    EXPECT_NEAR(std::stod(row.substr(before + 1)), by_name["entailment"], 1e-5);
    EXPECT_NEAR(std::stod(row.substr(last + 1)), by_name["not_entailment"], 1e-5);
  }
}

// A regression that fell into predicting one number has no correlation, at any batch size: the
// number's last bits move with the rows beside it, and noise is not to be correlated.
TEST_F(EvalTaskTest, AConstantPredictionHasNoCorrelationAtAnyBatchSize) {
  NamedTensors changed;
  for (auto& [name, tensor] : load_tensors(file("score/model.safetensors"))) {
    at::Tensor value = tensor;
    if (name == "classifier.out_proj.weight") value = value * 1e-7;
    if (name == "classifier.out_proj.bias") value = at::full({1}, 2.5);
    changed.emplace_back(name, value);
  }
  save_tensors(file("score/model.safetensors"), changed);
  std::string rows = "sentence1\tsentence2\tscore\n";
  for (int i = 0; i < 40; ++i) {
    std::string longer = "a stone";
    for (int j = 0; j < i % 7; ++j) longer += " and a river";
    rows += "the house " + std::to_string(i) + "\t" + longer + "\t" + std::to_string(i % 6) + "\n";
  }
  write_file_atomically(file("sts.tsv"), rows);
  for (const char* batch_size : {"1", "3", "16"}) {
    const json result =
        json_of("score", {"--input", file("sts.tsv"), "--text-column", "sentence1", "--pair-column",
                          "sentence2", "--label-column", "score", "--batch-size", batch_size});
    const json& metrics = result["files"][0]["metrics"];
    ASSERT_TRUE(metrics.contains("pearson"));
    EXPECT_TRUE(metrics["pearson"].is_null()) << batch_size;
    EXPECT_TRUE(metrics["spearman"].is_null()) << batch_size;
  }
}

// With averaged weights too: what the log, the result and every program say of a run is one
// model's.
TEST_F(EvalTaskTest, AgreesWithARunOfAveragedWeights) {
  make_model("mlm", {});
  std::string rows = "review\tstars\n";
  for (int i = 0; i < 40; ++i) {
    rows +=
        "the old house of the river " + std::to_string(i) + (i % 3 == 0 ? " stone\t1\n" : "\t0\n");
  }
  write_file_atomically(file("rows.tsv"), rows);
  const std::vector<std::string> columns{"--input", file("rows.tsv"), "--text-column",
                                         "review",  "--label-column", "stars"};
  const std::vector<std::string> as_the_run{"--input", file("rows.tsv")};
  const ProgramResult run = run_child(
      {"linformer-finetune", "--task", "stars", "--model", file("mlm"), "--output", file("run"),
       "--set", "task.train=[" + file("rows.tsv") + "]", "task.valid=[" + file("rows.tsv") + "]",
       "task.text_column=review", "task.label_column=stars", "finetune.epochs=4",
       "training.learning_rate=1e-2", "training.ema_decay=0.9", "training.precision=fp32"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json of_run = json::parse(read_text_file(file("run/result.json")));
  const double loss = of_run["sets"][0]["loss"].get<double>();
  std::vector<double> logged;
  for (const std::string& line : lines_of(read_text_file(file("run/log.jsonl")))) {
    const json entry = json::parse(line);
    if (entry.contains("valid_loss") && entry["step"] == of_run["best_step"]) {
      logged.push_back(entry["valid_loss"]);
    }
  }
  EXPECT_THAT(logged, ElementsAre(::testing::DoubleNear(loss, 1e-12)));
  const ProgramResult exported = run_child({"linformer-convert", "ema", "--input",
                                            file("run/checkpoints/best"), "--output", file("out")});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  for (const char* model : {"run", "run/checkpoints/best", "out"}) {
    EXPECT_NEAR(json_of(model, columns)["files"][0]["loss"].get<double>(), loss, 1e-6) << model;
  }
  // The run knows its columns, and a copy of the model does not.
  EXPECT_NEAR(json_of("run", as_the_run)["files"][0]["loss"].get<double>(), loss, 1e-6);
  EXPECT_EQ(json_of("run", as_the_run)["task"], "stars");
  const ProgramResult copy = task("out", as_the_run);
  EXPECT_EQ(copy.exit_code, 2);
  EXPECT_THAT(copy.err, HasSubstr("no column 'text'"));
  // Columns on the command line stand alone.
  const ProgramResult other = task("run", {"--input", file("rows.tsv"), "--label-column", "stars"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("no column 'text'"));
}

// Files without a header, with ids: the run's own table again, and another file with a header.
TEST_F(EvalTaskTest, ARunOfFilesWithoutHeaderIsMeasuredOnBothKinds) {
  make_model("mlm", {});
  std::string rows, with_header = "review\tstars\n";
  for (int i = 0; i < 40; ++i) {
    const std::string text =
        "the old house of the river " + std::to_string(i) + (i % 3 == 0 ? " stone" : "");
    const std::string label = i % 3 == 0 ? "1" : "0";
    rows += "row-" + std::to_string(i) + "\t" + label + "\t" + text + "\n";
    with_header += text + "\t" + label + "\n";
  }
  write_file_atomically(file("rows.tsv"), rows);
  write_file_atomically(file("named.tsv"), with_header);
  const ProgramResult run = run_child(
      {"linformer-finetune", "--task", "stars", "--model", file("mlm"), "--output", file("run"),
       "--set", "task.train=[" + file("rows.tsv") + "]", "task.valid=[" + file("rows.tsv") + "]",
       "task.header=false", "task.text_column=2", "task.label_column=1", "task.id_column=0",
       "finetune.epochs=1", "training.precision=fp32"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json again = json_of("run", {"--input", file("rows.tsv"), "--predictions", file("p.tsv")});
  const std::string table = read_text_file(file("p.tsv"));
  EXPECT_EQ(table, read_text_file(file("run/predictions/dev.tsv")));
  EXPECT_THAT(table, HasSubstr("\trow-7\t"));
  const json named = json_of(
      "run", {"--input", file("named.tsv"), "--text-column", "review", "--label-column", "stars"});
  EXPECT_EQ(named["files"][0]["confusion"], again["files"][0]["confusion"]);
}

TEST_F(EvalTaskTest, ErrorsSayWhereWhatAndHow) {
  const auto expect = [&](const std::string& checkpoint, const std::vector<std::string>& more,
                          int code, const std::vector<std::string>& texts) {
    const ProgramResult result = task(checkpoint, more);
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("\n  fix: "));
    for (const std::string& text : texts) EXPECT_THAT(result.err, HasSubstr(text));
  };
  const std::string own = file("own.csv");
  expect("sentiment", {"--input", own}, 2, {own, "text"});  // wrong column: names those there
  expect("sentiment", {"--input", own, "--text-column", "stars", "--label-column", "review"}, 1,
         {own + ":2", "unknown label 'good, really'"});
  write_file_atomically(file("empty.tsv"), "");
  expect("sentiment", {"--task", "sst-2", "--input", file("empty.tsv")}, 1,
         {file("empty.tsv"), "empty"});
  expect("nli", {"--task", "sst-2", "--input", own}, 1, {"3 labels", "has 2 (0, 1)"});
  expect("sentiment", {"--task", "rte", "--input", own}, 1, {"(0, 1)", "--labels"});
  expect("score", {"--task", "rte", "--input", own}, 1, {"is a model for regression"});
  expect("sentiment", {"--task", "sst2x", "--input", own}, 2, {"did you mean 'sst-2'?"});
  expect("sentiment", {"--task", "sst-2"}, 2, {"--input"});
  expect("sentiment", {"--input", own, "--max-sequence-length", "7"}, 2,
         {"--max-sequence-length: 7 is not 0, or 8 or more"});
  // A model folder below any other configuration is not of that run.
  std::filesystem::create_directories(file("project/models"));
  std::filesystem::copy(file("sentiment"), file("project/models/copy"));
  write_file_atomically(file("project/config.yaml"),
                        "task: {name: x, train: [" + own +
                            "], text_column: review, label_column: stars}\n"
                            "run: {init_from: x, dir: y}\n");
  expect("project/models/copy", {"--input", own}, 2, {"no column 'text'"});
  // A configuration of the run that cannot be read is named.
  std::filesystem::rename(file("project/models"), file("project/checkpoints"));
  EXPECT_THAT(task("project/checkpoints/copy", {"--input", own}).err,
              AllOf(HasSubstr("rows are read as in the fine-tuning"), Not(HasSubstr("error"))));
  write_file_atomically(file("project/config.yaml"), "task: {nome: x}\n");
  expect("project/checkpoints/copy", {"--input", own}, 2,
         {"config.yaml:1:8: unknown key task.nome", "are not known"});
  expect("sentiment", {"--task", "sst-2", "--input", own, own, "--predictions", file("p.tsv")}, 2,
         {"1 file for 2 of --input"});
  expect("sentiment", {"--task", "sst-2", "--input", own, "--metrics", "bleu"}, 2, {"bleu"});
}

TEST_F(EvalTaskTest, LowPrecisionIsNamedInTheResult) {
  const std::vector<std::string> columns{"--input", file("own.csv"),  "--text-column",
                                         "review",  "--label-column", "stars"};
  const json full = json_of("sentiment", columns);
  EXPECT_FALSE(full.contains("precision"));
  for (const std::string precision : {"bf16", "int8"}) {
    std::vector<std::string> more = columns;
    more.insert(more.end(), {"--precision", precision});
    const json low = json_of("sentiment", more);
    EXPECT_EQ(low["precision"], precision);
    EXPECT_NE(low["files"][0]["loss"], full["files"][0]["loss"]);
    EXPECT_NEAR(low["files"][0]["loss"].get<double>(), full["files"][0]["loss"].get<double>(),
                0.05);
  }
  const auto wrong = task("sentiment", {"--input", file("own.csv"), "--precision", "fp16"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("'fp16' is none of {fp32,bf16,int8}"));
}

}  // namespace
}  // namespace linformer
