// linformer-predict fill-mask and classify, run as programs on small models with random weights.
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/predict_fixture.h"
#include "cli/transformers_python.h"

namespace linformer {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// A program that one talks to line by line.
class Conversation {
 public:
  explicit Conversation(const std::vector<std::string>& command) {
    int to_child[2];
    int from_child[2];
    if (::pipe(to_child) != 0 || ::pipe(from_child) != 0) throw std::runtime_error("no pipe");
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(to_child[0], STDIN_FILENO);
      ::dup2(from_child[1], STDOUT_FILENO);
      for (const int end : {to_child[0], to_child[1], from_child[0], from_child[1]}) ::close(end);
      const std::string program = std::string(LINFORMER_PROGRAMS_DIR) + "/" + command.front();
      std::vector<char*> arguments;
      for (const std::string& argument : command) {
        arguments.push_back(const_cast<char*>(argument.c_str()));
      }
      arguments.push_back(nullptr);
      ::execv(program.c_str(), arguments.data());
      ::_exit(127);
    }
    ::close(to_child[0]);
    ::close(from_child[1]);
    input_ = to_child[1];
    output_ = from_child[0];
  }
  ~Conversation() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    ::close(output_);
    if (input_ >= 0) ::close(input_);
  }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  void say(const std::string& text) const {
    ASSERT_EQ(::write(input_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// The next line of the answer; "" if none comes within a minute.
  std::string answer() {
    while (pending_.find('\n') == pending_.npos) {
      struct pollfd waiting {
        output_, POLLIN, 0
      };
      char piece[4096];
      const ssize_t count =
          ::poll(&waiting, 1, 60'000) > 0 ? ::read(output_, piece, sizeof(piece)) : 0;
      if (count <= 0) return "";
      pending_.append(piece, static_cast<size_t>(count));
    }
    const std::string line = pending_.substr(0, pending_.find('\n'));
    pending_.erase(0, line.size() + 1);
    return line;
  }
  /// Ends its input; its exit code.
  int finish() {
    ::close(input_);
    input_ = -1;
    int status = 0;
    ::waitpid(child_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t child_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string pending_;
};

TEST_F(PredictTest, FillsEachMask) {
  const auto result = fill_mask({"--json", "--top-k", "1000", "--text", "the <mask> and <mask>"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto answers = objects(result.out);
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_EQ(answers[0]["line"], 1);
  EXPECT_EQ(answers[0]["text"], "the <mask> and <mask>");
  ASSERT_THAT(answers[0]["masks"], SizeIs(2));
  for (const json& mask : answers[0]["masks"]) {
    double sum = 0.0;
    double previous = 1.0;
    ASSERT_THAT(mask["guesses"], SizeIs(1000));
    for (const json& guess : mask["guesses"]) {
      const double probability = guess["probability"];
      EXPECT_LE(probability, previous);
      previous = probability;
      sum += probability;
    }
    EXPECT_NEAR(sum, 1.0, 1e-5);
  }
  // for people: the same, in short
  const auto text = fill_mask({"--top-k", "2", "--text", "the <mask> and <mask>"});
  ASSERT_EQ(text.exit_code, 0) << text.err;
  const json& first = answers[0]["masks"][0]["guesses"][0];
  char expected[100];
  std::snprintf(expected, sizeof(expected), "%s %.4g  ", first["token"].get<std::string>().c_str(),
                first["probability"].get<double>());
  EXPECT_THAT(text.out, StartsWith(expected));
  EXPECT_EQ(std::count(text.out.begin(), text.out.end(), '\t'), 1);
  EXPECT_EQ(std::count(text.out.begin(), text.out.end(), '\n'), 1);
}

TEST_F(PredictTest, ProbabilitiesAreTheSoftmaxOfFeatures) {
  write_file_atomically(file("rows.jsonl"), "{\"text\": \"a fine day\"}\n");
  ASSERT_EQ(run_child({"linformer-predict", "features", "--checkpoint", file("sentiment"),
                       "--input", file("rows.jsonl"), "--output", file("f.safetensors")})
                .exit_code,
            0);
  const at::Tensor logits = load_tensors(file("f.safetensors")).at("logits");
  const auto result = classify("sentiment", {"--json", "--text", "a fine day"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json labels = objects(result.out).at(0)["labels"];
  ASSERT_THAT(labels, SizeIs(3));
  std::map<std::string, double> by_name;
  for (const json& label : labels) by_name[label["label"]] = label["probability"];
  const float* logit = logits.const_data_ptr<float>();
  const double sum = std::exp(logit[0]) + std::exp(logit[1]) + std::exp(logit[2]);
  EXPECT_NEAR(by_name["negative"], std::exp(logit[0]) / sum, 1e-6);
  EXPECT_NEAR(by_name["neutral"], std::exp(logit[1]) / sum, 1e-6);
  EXPECT_NEAR(by_name["positive"], std::exp(logit[2]) / sum, 1e-6);
  EXPECT_GE(labels[0]["probability"], labels[1]["probability"]);
  EXPECT_THAT(classify("sentiment", {"--top-k", "1", "--text", "a fine day"}).out,
              StartsWith(labels[0]["label"].get<std::string>() + " 0."));
}

TEST_F(PredictTest, ARegressionGivesANumber) {
  const auto result = classify("score", {"--json", "--text", "a cat\ta dog"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json answer = objects(result.out).at(0);
  EXPECT_EQ(answer["text_pair"], "a dog");
  const double value = answer["value"];
  EXPECT_NEAR(std::stod(classify("score", {"--text", "a cat\ta dog"}).out), value, 1e-4);
}

// Every line is answered in its place, whatever the order in which it was computed.
TEST_F(PredictTest, LinesOutAreLinesIn) {
  std::string input;
  for (int i = 0; i < 90; ++i) {
    std::string line;
    for (int j = 0; j < i * 7 % 13; ++j) line += "w" + std::to_string(i) + " ";
    input += i % 10 == 4 ? "\n" : line + "x\n";
  }
  write_file_atomically(file("texts.txt"), input);
  const std::vector<std::string> common{"--json", "--input", file("texts.txt")};
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.end(), common.begin(), common.end());
    const auto result = classify("sentiment", more);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, AllOf(HasSubstr("texts.txt:5: the line is empty"),
                                  HasSubstr("9 of 90 lines could not be answered")));
    return objects(result.out);
  };
  const auto one = run({"--batch-size", "1", "--look-ahead", "1"});
  const auto all = run({"--batch-size", "8", "--look-ahead", "50"});
  const auto given = lines_of(input);
  ASSERT_THAT(one, SizeIs(90));
  ASSERT_THAT(all, SizeIs(90));
  for (size_t i = 0; i < 90; ++i) {
    EXPECT_EQ(all[i]["line"], i + 1);
    if (i % 10 == 4) {
      EXPECT_EQ(all[i]["error"], "the line is empty");
      continue;
    }
    EXPECT_EQ(all[i]["text"], given[i]);
    for (size_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(one[i]["labels"][k]["probability"].get<double>(),
                  all[i]["labels"][k]["probability"].get<double>(), 1e-5);
    }
  }
}

TEST_F(PredictTest, AnswersALineBeforeTheNextComes) {
  for (const char* what : {"fill-mask", "classify"}) {
    const bool fills = std::string(what) == "fill-mask";
    Conversation talk(command(what, fills ? "mlm" : "sentiment", {"--json"}));
    for (const int line : {1, 2, 3}) {
      talk.say("a <mask> day\n");
      const std::string answer = talk.answer();
      ASSERT_NE(answer, "") << what << " does not answer line " << line;
      EXPECT_EQ(json::parse(answer)["line"], line);
    }
    talk.say("the last <mask>, without its end");
    EXPECT_EQ(talk.finish(), 0);
    EXPECT_EQ(json::parse(talk.answer())["line"], 4);
    EXPECT_EQ(talk.answer(), "");
  }
}

TEST_F(PredictTest, RefusesWhatItCannotDo) {
  const auto expect = [](const ProgramResult& result, int code, const std::string& text) {
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, AllOf(HasSubstr(text), HasSubstr("\n  fix: ")));
  };
  expect(run_child(command("fill-mask", "sentiment", {"--text", "<mask>"})), 1,
         "is a model for classification, not a masked LM");
  expect(classify("mlm", {"--text", "a"}), 1, "has a masked-LM head, none for classification");
  expect(fill_mask({"--text", "a", "--input", "b"}), 2, "--text");
  expect(fill_mask({"--input", file("none.txt")}), 2, file("none.txt"));
  expect(fill_mask({"--top-k", "0"}), 2, "--top-k");
  std::filesystem::remove(file("mlm") + "/tokenizer.model");
  expect(fill_mask({"--text", "<mask>"}), 1, "has no tokenizer.model");
}

// docs/prediction.md says by how much a row's output moves with the rows beside it.
TEST_F(PredictTest, NeighboursMoveAnOutputByRoundingAlone) {
  std::string lines;
  std::string text = "A";
  for (int i = 0; i < 24; ++i) {
    text += i % 3 == 0 ? " river and" : " stone";
    if (i % 5 == 4) text = "The house";
    lines += text + (i % 4 == 0 ? "\tof the sea" : "") + "\n";
  }
  for (const auto pooling :
       {ClassifierPooling::kCls, ClassifierPooling::kMean, ClassifierPooling::kPairMean}) {
    make_model("neighbours", {HeadType::kRegression, {}, pooling});
    const auto outputs = [&](const std::string& batch_size, const std::string& threads) {
      const ProgramResult result =
          run_child({"linformer-predict", "classify", "--checkpoint", file("neighbours"), "--json",
                     "--batch-size", batch_size, "--threads", threads},
                    {.standard_input = lines});
      EXPECT_EQ(result.exit_code, 0) << result.err;
      std::vector<double> values;
      for (const std::string& line : lines_of(result.out)) {
        values.push_back(json::parse(line)["value"].get<double>());
      }
      return values;
    };
    const std::vector<double> alone = outputs("1", "1");
    ASSERT_EQ(alone.size(), 24U);
    double largest = 0.0;
    for (const double value : alone) largest = std::max(largest, std::abs(value));
    for (const char* batch_size : {"2", "7", "24"}) {
      for (const char* threads : {"1", "2"}) {
        const std::vector<double> together = outputs(batch_size, threads);
        ASSERT_EQ(together.size(), alone.size());
        for (size_t i = 0; i < alone.size(); ++i) {
          EXPECT_NEAR(together[i], alone[i], 1e-5 * largest) << "row " << i;
        }
      }
    }
  }
}

TEST_F(PredictTest, TransformersPoolsTheSame) {
  const std::string python = python_with_transformers();
  if (python.empty()) GTEST_SKIP() << "no Python with transformers (set LINFORMER_PYTHON)";
  // A pair, a single text, and a pair with padding on both sides.
  write_file_atomically(
      file("rows.jsonl"),
      "{\"input_ids\": [0, 5, 7, 2, 2, 9, 11, 13, 2]}\n"
      "{\"input_ids\": [0, 15, 17, 2]}\n"
      "{\"input_ids\": [1, 0, 5, 2, 2, 8, 2, 1], \"attention_mask\": [0, 1, 1, 1, 1, 1, 1, 0]}\n");
  std::string command =
      "HF_HUB_OFFLINE=1 " + python + " '" LINFORMER_SOURCE_DIR "/tools/hf/compare_features.py'";
  for (const auto pooling :
       {ClassifierPooling::kCls, ClassifierPooling::kMean, ClassifierPooling::kPairMean}) {
    const std::string name(name_of(pooling));
    make_model(name, {HeadType::kClassification, {"a", "b", "c"}, pooling});
    ASSERT_EQ(run_child({"linformer-convert", "export", "--input", file(name), "--output",
                         file(name + "-exported")})
                  .exit_code,
              0);
    ASSERT_EQ(run_child({"linformer-predict", "features", "--checkpoint", file(name), "--input",
                         file("rows.jsonl"), "--output", file(name + ".safetensors")})
                  .exit_code,
              0);
    command += " '" + file(name + "-exported") + "' '" + file(name + ".safetensors") + "'";
  }
  const std::string log = file("comparison.txt");
  const int status = std::system((command + " > '" + log + "' 2>&1").c_str());
  EXPECT_EQ(status, 0) << read_text_file(log);
}

/// The largest difference of two lists of probabilities of the same labels.
double largest_difference(const json& a, const json& b) {
  std::map<std::string, double> by_name;
  for (const json& label : a) by_name[label["label"]] = label["probability"];
  double largest = 0.0;
  for (const json& label : b) {
    const double difference = label["probability"].get<double>() - by_name.at(label["label"]);
    largest = std::max(largest, std::abs(difference));
  }
  return largest;
}

TEST_F(PredictTest, LowPrecisionAnswersAlmostAlike) {
  const std::string texts = "a fine day\nthe sea and the river\n\nnobody came\n";
  const auto answers = [&](const std::string& precision) {
    const auto result = classify("sentiment", {"--json", "--precision", precision}, texts);
    EXPECT_EQ(result.exit_code, 1) << result.err;  // one line is empty
    return objects(result.out);
  };
  const auto full = answers("fp32");
  EXPECT_EQ(objects(classify("sentiment", {"--json"}, texts).out), full);  // the default
  for (const std::string precision : {"bf16", "int8"}) {
    const auto low = answers(precision);
    ASSERT_THAT(low, SizeIs(4));
    for (size_t i = 0; i < low.size(); ++i) {
      EXPECT_EQ(low[i].contains("error"), full[i].contains("error"));
      if (low[i].contains("error")) continue;
      const double difference = largest_difference(full[i]["labels"], low[i]["labels"]);
      EXPECT_GT(difference, 0.0) << precision;
      EXPECT_LT(difference, 0.05) << precision;
    }
    const auto masks =
        fill_mask({"--precision", precision, "--json", "--text", "the <mask> and <mask>"});
    ASSERT_EQ(masks.exit_code, 0) << masks.err;
    EXPECT_THAT(objects(masks.out).at(0)["masks"], SizeIs(2));
    EXPECT_THAT(masks.err, ::testing::Not(HasSubstr("deprecated")));  // LibTorch's own warning
  }
}

TEST_F(PredictTest, FeaturesInLowPrecisionAreNear) {
  write_file_atomically(file("rows.jsonl"), "{\"text\": \"a fine day\"}\n{\"text\": \"rain\"}\n");
  const auto features = [&](const std::string& precision) {
    const auto result = run_child(command(
        "features", "mlm",
        {"--input", file("rows.jsonl"), "--output", file(precision), "--precision", precision}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return load_tensors(file(precision));
  };
  const auto full = features("fp32");
  for (const std::string precision : {"bf16", "int8"}) {
    const auto low = features(precision);
    for (const char* name : {"hidden_states.2", "logits"}) {
      ASSERT_EQ(low.at(name).scalar_type(), at::kFloat);
      const double error = (low.at(name) - full.at(name)).norm().item<double>();
      EXPECT_GT(error, 0.0);
      EXPECT_LT(error, 0.1 * full.at(name).norm().item<double>()) << precision << " " << name;
    }
  }
}

TEST_F(PredictTest, UnknownPrecisionsAreRefused) {
  for (const std::string what : {"fill-mask", "classify", "features"}) {
    const auto result = run_child(command(what, "mlm", {"--precision", "int9"}));
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("--precision: 'int9' is none of {fp32,bf16,int8}; did you "
                                      "mean int8?"));
  }
}

}  // namespace
}  // namespace linformer
