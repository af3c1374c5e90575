// Files of experiments: what is read, and what is refused with which words.
#include "linformer/config/experiment_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ExperimentFiles : public ::testing::Test {
 protected:
  std::string write(const std::string& text) const {
    const std::string path = folder_.file("file.yaml");
    write_file_atomically(path, text);
    return path;
  }
  ExperimentFile experiment(const std::string& text) const {
    return read_experiment_file(write(text), "some");
  }
  /// The message with which a file is refused.
  template <class Read>
  static std::string refusal(const Read& read) {
    try {
      read();
    } catch (const UsageError& error) {
      return error.what();
    }
    return "not refused";
  }
  std::string refused_experiment(const std::string& text) const {
    return refusal([&] { experiment(text); });
  }

  TemporaryFolder folder_;
};

TEST_F(ExperimentFiles, HasRunsPanelsAndPublishedTables) {
  const ExperimentFile file = experiment(R"(
title: "Some: figure"
reference: Figure 9
about: [one, two]
pretraining:
  - name: "k{k}"
    each: {k: ["{ks}", 7], mode: [a]}
    set: ["model.attention.projected_length={k}", "x=[1, 2]"]
    seeds: "{few}"
    scales: [tiny]
finetuning:
  - {name: fine, model: k7, set: [task.name=x], seconds: "{s}"}
measurements:
  - {name: m, model: other/k7, commands: ["linformer-eval  perplexity --json", "true"], alone: true}
panels:
  - {kind: curves, title: T, runs: [k*], baseline: k7, margin: 0.03, x: k}
published:
  speed: {source: Table 3, columns: [n, "128"], rows: [[512, 1.5], [1024, -]]}
)");
  EXPECT_EQ(file.title, "Some: figure");
  EXPECT_THAT(file.about, ElementsAre("one", "two"));
  ASSERT_THAT(file.runs, SizeIs(3));
  EXPECT_EQ(file.runs[0].type, RunType::kPretraining);
  EXPECT_EQ(file.runs[0].label, "k{k}");
  ASSERT_THAT(file.runs[0].each, SizeIs(2));
  EXPECT_THAT(file.runs[0].each[0].second, ElementsAre("{ks}", "7"));
  EXPECT_THAT(file.runs[0].set, ElementsAre("model.attention.projected_length={k}", "x=[1, 2]"));
  EXPECT_THAT(file.runs[0].scales, ElementsAre("tiny"));
  EXPECT_EQ(file.runs[1].seconds, "{s}");
  EXPECT_THAT(file.runs[2].commands[0], ElementsAre("linformer-eval", "perplexity", "--json"));
  EXPECT_TRUE(file.runs[2].alone);
  ASSERT_THAT(file.panels, SizeIs(1));
  EXPECT_DOUBLE_EQ(file.panels[0].margin, 0.03);
  EXPECT_EQ(file.panels[0].options.at("x"), "k");
  EXPECT_THAT(file.published.at("speed").rows[1], ElementsAre("1024", "-"));
}

TEST_F(ExperimentFiles, SayWhereAndWhatIsWrong) {
  const struct {
    const char* text;
    const char* place;
    const char* what;
  } cases[] = {
      {"about: [x]", ":1:1", "has no title"},
      {"title: T\ntitel: U", ":2:1", "unknown key titel"},
      {"title: [T]", ":1:1", "title takes one value"},
      {"title: T\npanels: x", ":2:1", "panels takes a list of sections"},
      {"title: T\npanels: [{kind: c}]", ":2:10", "panels has no title"},
      {"title: T\npanels: [{kind: c, title: x, margin: wide}]", ":2:30", "takes a number"},
      {"title: T\npanels: [{kind: c, title: x, margin: -1}]", ":2:30", "at least 0"},
      {"title: T\npanels: [{kind: c, title: x, baselin: y}]", ":2:30",
       "unknown key panels.baselin"},
      {"title: T\npretraining: [{name: a b}]", ":2:16", "'a b' is not a name"},
      {"title: T\npretraining: [{name: ../a}]", ":2:16", "is not a name"},
      {"title: T\npretraining: [{name: .a}]", ":2:16", "is not a name"},
      {"title: T\npretraining: [{name: a, each: {k: []}}]", ":2:25", "k has no values"},
      {"title: T\npretraining: [{name: a, each: [k]}]", ":2:31", "has to be a section"},
      {"title: T\npretraining: [{name: a, model: b}]", ":2:25", "unknown key pretraining.model"},
      {"title: T\nfinetuning: [{name: a}]", ":2:14", "model is missing"},
      {"title: T\nmeasurements: [{name: a}]", ":2:16", "commands is missing"},
      {"title: T\nmeasurements: [{name: a, commands: [' ']}]", ":2:26", "empty command"},
      {"title: T\nmeasurements: [{name: a, commands: [x], alone: 1}]", ":2:41", "true or false"},
      {"title: T\npublished: {t: {source: s, columns: [a, b], rows: [[1]]}}", ":2:45",
       "a row of 1 values for 2 columns"},
      {"title: T\npublished: {t: {source: s, columns: [a], rows: [1]}}", ":2:42", "list of lists"},
      {"title: T\npublished: {t: {source: s, columns: [], rows: [[]]}}", ":2:28",
       "columns is missing"},
      {"title: T\npanels: [{kind: c, title: x, unit: y}]", ":2:30", "unknown key panels.unit"},
      {"title: T\ntitle: U", ":2:1", "given twice"},
      {"- a", ":1:1", "has to be a section of keys"},
      {"title: 'T", "", "not valid YAML"},
      {"title: &a [*a]", ":1:", "alias"},
  };
  for (const auto& one : cases) {
    EXPECT_THAT(refused_experiment(one.text), AllOf(HasSubstr(std::string("file.yaml") + one.place),
                                                    HasSubstr(one.what), HasSubstr("fix: ")))
        << one.text;
  }
}

TEST_F(ExperimentFiles, ScaleNamesFilesBesideIt) {
  const ScaleFile scale = read_scale_file(write(R"(
about: A
cost: C
pretraining: p.yaml
finetuning: f.yaml
seeds: 3
automatic: true
prepare:
  - {creates: data/x, command: linformer-data sample --output data}
  - {creates: data/y, command: [sh, -c, "a b | c"]}
values: {n: 128, ks: [8, 16], types: "[a, b]"}
)"),
                                          "tiny");
  EXPECT_EQ(scale.pretraining, folder_.file("p.yaml"));
  EXPECT_EQ(scale.num_seeds, 3);
  EXPECT_TRUE(scale.automatic);
  EXPECT_THAT(scale.prepare[0].command,
              ElementsAre("linformer-data", "sample", "--output", "data"));
  EXPECT_THAT(scale.prepare[1].command, ElementsAre("sh", "-c", "a b | c"));
  EXPECT_THAT(scale.values.at("ks"), ElementsAre("8", "16"));
  EXPECT_THAT(scale.values.at("types"), ElementsAre("[a, b]"));
  EXPECT_THAT(scale.values.at("scale"), ElementsAre("tiny"));
  EXPECT_THAT(refusal([&] {
                read_scale_file(write("about: A\ncost: C\npretraining: p\nfinetuning: f\nseeds: 0"),
                                "x");
              }),
              HasSubstr("a whole number, at least 1"));
}

TEST_F(ExperimentFiles, ReportListsExperimentsOnce) {
  EXPECT_THAT(read_report_file(write("title: T\nexperiments: [a, b-2]")).experiments,
              ElementsAre("a", "b-2"));
  EXPECT_THAT(refusal([&] { read_report_file(write("title: T\nexperiments: [a, a]")); }),
              HasSubstr("has a twice"));
  EXPECT_THAT(refusal([&] { read_report_file(write("title: T\nexperiments: [../a]")); }),
              HasSubstr("is not a name"));
  EXPECT_THAT(refusal([&] { read_report_file(write("title: T")); }), HasSubstr("is missing"));
  EXPECT_THAT(refusal([&] { read_report_file(folder_.file("none.yaml")); }),
              HasSubstr("there is no such configuration file"));
}

TEST(ExpandTemplate, ReplacesEachName) {
  const TemplateValues values{{"k", {"8"}}, {"n", {"128"}}, {"ks", {"1", "2"}}};
  EXPECT_EQ(expand_template("k{k}-n{n}{k}", values, "here"), "k8-n1288");
  EXPECT_EQ(expand_template("{", values, "here"), "{");
  EXPECT_EQ(expand_template("a}b", values, "here"), "a}b");
  EXPECT_THROW(expand_template("{x}", values, "here"), UsageError);
  try {
    expand_template("{ks}", values, "here");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("here: "), HasSubstr("has several values")));
  }
}

}  // namespace
}  // namespace linformer
