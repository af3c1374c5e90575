#include "linformer/experiments/run_record.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

RunRecord some_record() {
  RunRecord record;
  record.id = "figure-3/k8/seed-2";
  record.type = "pretraining";
  record.settings = "model.hidden_size: 16\n";
  record.hash = to_hex(xxh3(record.settings));
  record.seed = 2;
  record.commands = {"linformer-train --config x.yaml --set 'a=[b, c]'"};
  record.machine = "a machine";
  record.version = "1.2";
  record.finished = "2026-01-02";
  record.threads = 2;
  record.jobs = 3;
  record.seconds = 1.5;
  record.result =
      R"({"perplexity":10.5,"sets":[{"loss":0.25}],"curve":[{"step":1,"tokens":100,"seconds":0.5,"perplexity":20.0},{"step":2,"tokens":200,"seconds":1.0,"perplexity":10.5}]})";
  return record;
}

PlannedRun run_in(const std::string& folder, RunType type) {
  PlannedRun run;
  run.folder = folder;
  run.type = type;
  return run;
}

TEST(RunRecord, IsReadAsWritten) {
  const RunRecord record = some_record();
  const std::string text = to_json(record);
  const RunRecord again = run_record_from_json(text, "x");
  EXPECT_EQ(to_json(again), text);
  EXPECT_EQ(again.commands, record.commands);
  EXPECT_EQ(again.result, record.result);
}

TEST(RunRecord, NumbersAreFoundByTheirNames) {
  const RunRecord record = some_record();
  EXPECT_DOUBLE_EQ(*value_of(record, "perplexity"), 10.5);
  EXPECT_DOUBLE_EQ(*value_of(record, "sets.0.loss"), 0.25);
  EXPECT_DOUBLE_EQ(*value_of(record, "curve.1.step"), 2.0);
  for (const char* path :
       {"none", "sets", "sets.1.loss", "sets.x", "perplexity.0", "", "sets.99999999999999999999"}) {
    EXPECT_FALSE(value_of(record, path).has_value()) << path;
  }
}

TEST(RunRecord, CurveHasAPointForEachEvaluation) {
  const std::vector<CurvePoint> curve = curve_of(some_record());
  ASSERT_THAT(curve, SizeIs(2));
  EXPECT_EQ(curve[1].tokens, 200);
  EXPECT_DOUBLE_EQ(curve[1].perplexity, 10.5);
}

TEST(RunRecord, PointsOfACurveWithoutAStepAreLeftOut) {
  RunRecord record = some_record();
  record.result = R"({"curve":[1,{},{"step":"x","tokens":1},{"step":1.5,"tokens":1},{"step":2},
                     {"step":2,"tokens":3,"perplexity":"x"}]})";
  const std::vector<CurvePoint> curve = curve_of(record);
  ASSERT_THAT(curve, SizeIs(1));
  EXPECT_EQ(curve[0].step, 2);
  EXPECT_TRUE(std::isnan(curve[0].perplexity));
}

TEST(RunRecord, BrokenOnesAreRefused) {
  const std::string good = to_json(some_record());
  for (const char* key : {"id", "type", "hash", "seed", "commands", "machine", "version",
                          "finished", "threads", "jobs", "settings", "result"}) {
    std::string text = good;
    text.replace(text.find("\"" + std::string(key) + "\""), 2, "\"_");
    EXPECT_THROW(run_record_from_json(text, "x"), RunError) << key;
  }
  std::string edited = good;
  edited.replace(edited.find("hidden_size: 16"), 15, "hidden_size: 32");
  EXPECT_THAT(message_of<RunError>([&] { run_record_from_json(edited, "x"); }),
              HasSubstr("hash of figure-3/k8/seed-2 is not that of its settings"));
  for (const char* text : {"", "[]", "{}", "{\"id\": 3}"}) {
    EXPECT_THROW(run_record_from_json(text, "x"), RunError) << text;
  }
}

TEST(RunRecords, BrokenFilesAreLeftOut) {
  const TemporaryFolder folder;
  make_directories(folder.file("records/a/b"));
  write_file_atomically(folder.file("records/a/b/seed-1.json"), to_json(some_record()));
  write_file_atomically(folder.file("records/a/b/seed-2.json"), "{");
  write_file_atomically(folder.file("records/a/b/notes.txt"), "{");
  const RunRecords records = read_records(folder.path());
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records.begin()->first, some_record().hash);
  EXPECT_THAT(read_records(folder.file("none")), IsEmpty());
}

TEST(RunRecords, ReportHasAListOfThem) {
  const TemporaryFolder folder;
  const std::string path = folder.file("report.json");
  write_file_atomically(path, "{\"records\": [" + to_json(some_record()) + "]}");
  EXPECT_THAT(read_report_records(path), SizeIs(1));
  write_file_atomically(path, "{}");
  EXPECT_THAT(message_of<RunError>([&] { read_report_records(path); }),
              HasSubstr("is no data of a report"));
}

// It may be the only copy of days of work.
TEST(RunRecords, NoAdviceToDeleteAnEarlierReport) {
  const TemporaryFolder folder;
  const std::string path = folder.file("report.json");
  for (const char* text : {"", "{", "[]", "{}", "{\"records\": 1}", "{\"records\": [1]}",
                           "{\"records\": [{\"id\": \"a\"}]}"}) {
    write_file_atomically(path, text);
    EXPECT_THAT(message_of<RunError>([&] { read_report_records(path); }),
                AllOf(HasSubstr(path + ": is no data of a report"), HasSubstr("fix: name a report"),
                      Not(HasSubstr("delete"))))
        << text;
  }
}

TEST(RunRecords, ResultsThatDifferAreNamedAndTheLaterOnesCount) {
  RunRecord record = some_record();
  RunRecords records{{record.hash, record}};
  EXPECT_THAT(merge_records(records, records), IsEmpty());
  record.result = nlohmann::json::parse(record.result).dump();  // keys in another order
  EXPECT_THAT(merge_records(records, {{record.hash, record}}), IsEmpty());
  record.result = "{}";
  EXPECT_THAT(merge_records(records, {{record.hash, record}}), ElementsAre(record.id));
  EXPECT_EQ(records.at(record.hash).result, "{}");
}

TEST(CollectResult, TakesCurveAndLastValuesFromTheLog) {
  const TemporaryFolder folder;
  write_file_atomically(
      folder.file("log.jsonl"),
      "{\"step\":1,\"loss\":3.0,\"tokens_per_second\":100.0}\n"
      "{\"step\":2,\"tokens_per_second\":300.0}\n"
      "{\"step\":2,\"tokens\":64,\"valid_perplexity\":20.0,\"valid_masked_tokens\":7,"
      "\"elapsed_seconds\":1.5,\"unigram_perplexity\":90.0}\n"
      "{\"step\":4,\"tokens\":128,\"valid_perplexity\":10.0,\"valid_masked_tokens\":7,"
      "\"elapsed_seconds\":2.5}\n");
  RunRecord record = some_record();
  record.result = collect_result(run_in(folder.path(), RunType::kPretraining));
  EXPECT_DOUBLE_EQ(*value_of(record, "perplexity"), 10.0);
  EXPECT_DOUBLE_EQ(*value_of(record, "tokens"), 128.0);
  EXPECT_DOUBLE_EQ(*value_of(record, "seconds"), 2.5);
  EXPECT_DOUBLE_EQ(*value_of(record, "tokens_per_second"), 200.0);
  EXPECT_THAT(curve_of(record), SizeIs(2));
}

TEST(CollectResult, ARunThatDivergedHasNoLastPerplexity) {
  const TemporaryFolder folder;
  write_file_atomically(
      folder.file("log.jsonl"),
      "{\"step\":2,\"tokens\":64,\"valid_perplexity\":20.0,\"valid_masked_tokens\":7}\n"
      "{\"step\":4,\"tokens\":128,\"valid_perplexity\":null,\"valid_masked_tokens\":7}\n");
  RunRecord record = some_record();
  record.result = collect_result(run_in(folder.path(), RunType::kPretraining));
  EXPECT_FALSE(value_of(record, "perplexity").has_value());
  EXPECT_DOUBLE_EQ(*value_of(record, "tokens"), 128.0);
  const std::vector<CurvePoint> curve = curve_of(record);
  ASSERT_THAT(curve, SizeIs(2));
  EXPECT_TRUE(std::isnan(curve[1].perplexity));
}

TEST(CollectResult, SaysWhatAFolderLacks) {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("log.jsonl"), "{\"step\":1}\n");
  write_file_atomically(folder.file("output.json"), "no JSON");
  EXPECT_THAT(
      message_of<RunError>([&] { collect_result(run_in(folder.path(), RunType::kPretraining)); }),
      HasSubstr("has no held-out perplexity"));
  EXPECT_THROW(collect_result(run_in(folder.path(), RunType::kMeasurement)), RunError);
  EXPECT_THROW(collect_result(run_in(folder.path(), RunType::kFinetuning)), RunError);
  write_file_atomically(folder.file("output.json"), "[1]");
  EXPECT_THAT(
      message_of<RunError>([&] { collect_result(run_in(folder.path(), RunType::kMeasurement)); }),
      AllOf(HasSubstr("is no result: it is no JSON object"), HasSubstr("(--json)")));
  for (const char* text : {"", "\n", "{} {}", "{\"a\": NaN}", "{\"a\": 1"}) {
    write_file_atomically(folder.file("output.json"), text);
    EXPECT_THAT(
        message_of<RunError>([&] { collect_result(run_in(folder.path(), RunType::kMeasurement)); }),
        AllOf(HasSubstr("output.json: is no result: "), Not(HasSubstr("delete"))))
        << text;
  }
}

TEST(MachineDescription, NamesProcessorAndLibrary) {
  EXPECT_THAT(machine_description(), HasSubstr("LibTorch "));
  EXPECT_THAT(machine_description(), HasSubstr(" cores"));
}

}  // namespace
}  // namespace linformer
