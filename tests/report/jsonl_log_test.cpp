#include "linformer/report/jsonl_log.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "config/test_files.h"
#include "core/temporary_folder.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

TEST(JsonLine, KeepsOrderTypesAndPrecision) {
  EXPECT_EQ(to_json_line({{"step", 12},
                          {"loss", 0.1},
                          {"rate", 5e-4f},
                          {"best", true},
                          {"note", "say \"hi\"\n"},
                          {"nan", std::numeric_limits<double>::quiet_NaN()},
                          {"inf", -std::numeric_limits<double>::infinity()}}),
            R"({"step":12,"loss":0.1,"rate":0.0005000000237487257,"best":true,)"
            R"("note":"say \"hi\"\n","nan":null,"inf":null})");
}

TEST(JsonLine, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(to_json_line({{"text", std::string("a\xff")}}), "{\"text\":\"a\xEF\xBF\xBD\"}");
}

TEST(JsonlLog, AppendsALineEach) {
  const TemporaryFolder folder;
  const std::string path = folder.file("log.jsonl");
  JsonlLog(path).write({{"step", 1}});
  JsonlLog(path).write({{"step", 2}});
  EXPECT_EQ(read_bytes(path), "{\"step\":1}\n{\"step\":2}\n");
}

TEST(JsonlLog, ResumingDropsLaterStepsAndBrokenLines) {
  const TemporaryFolder folder;
  const std::string path = folder.file("log.jsonl");
  JsonlLog log(path);
  EXPECT_EQ(log.drop_after(5), 0);  // no log yet
  write_bytes(path,
              "{\"event\":\"start\"}\n{\"step\":10}\n{\"step\":20,\"loss\":1}\n"
              "{\"step\":20,\"evaluation\":true}\n{\"step\":30}\n\n{\"step\":4");
  EXPECT_EQ(log.drop_after(20), 3);
  EXPECT_EQ(read_bytes(path),
            "{\"event\":\"start\"}\n{\"step\":10}\n{\"step\":20,\"loss\":1}\n"
            "{\"step\":20,\"evaluation\":true}\n");
  log.write({{"step", 30}});
  EXPECT_EQ(log.drop_after(30), 0);
}

TEST(JsonlLog, ResumingCutsOffWhatCameAfterTheCheckpoint) {
  const TemporaryFolder folder;
  const std::string path = folder.file("log.jsonl");
  JsonlLog log(path);
  EXPECT_EQ(log.size(), 0);
  EXPECT_EQ(log.drop_behind(0), 0);
  log.write({{"step", 1}});
  const int64_t saved = log.size();
  EXPECT_EQ(saved, 11);  // {"step":1} and the line's end
  // A rollback's lines stay, though their steps come again.
  log.write({{"event", "rolled_back"}, {"step", 0}});
  write_bytes(path, read_bytes(path) + "{\"step\":2}\n{\"st");
  EXPECT_EQ(log.drop_behind(saved), 3);
  EXPECT_EQ(read_bytes(path), "{\"step\":1}\n");
  EXPECT_EQ(log.drop_behind(saved), 0);
  EXPECT_EQ(log.drop_behind(saved + 1), std::nullopt) << "somebody shortened it";
  EXPECT_EQ(log.drop_behind(saved - 1), std::nullopt) << "no line ends there";
  EXPECT_EQ(read_bytes(path), "{\"step\":1}\n");
}

TEST(JsonlLog, NamesThePathThatCannotBeWritten) {
  const TemporaryFolder folder;
  const std::string path = folder.file("none/log.jsonl");
  const std::string text = message_of<RunError>([&] { JsonlLog(path).write({{"step", 1}}); });
  EXPECT_EQ(text.rfind(path + ": ", 0), 0u) << text;
}

TEST(ReadJsonLines, GivesBackWhatWasWritten) {
  const TemporaryFolder folder;
  const std::string path = folder.file("log.jsonl");
  JsonlLog(path).write({{"step", 12}, {"loss", 0.5}, {"best", true}, {"note", "a"}});
  JsonlLog(path).write({{"step", 13}, {"loss", std::numeric_limits<double>::quiet_NaN()}});
  write_bytes(path, read_bytes(path) + "[1]\nno json\n{\"deep\":[1,2]}\n{\"step\":14,\"lo");
  const std::vector<LogRecord> records = read_json_lines(path);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(to_json_line(records[0]), R"({"step":12,"loss":0.5,"best":true,"note":"a"})");
  EXPECT_EQ(number_in(records[0], "step"), 12.0);
  EXPECT_EQ(number_in(records[0], "loss"), 0.5);
  EXPECT_EQ(number_in(records[0], "note"), std::nullopt);
  EXPECT_EQ(number_in(records[0], "none"), std::nullopt);
  EXPECT_EQ(text_in(records[0], "note"), "a");
  EXPECT_EQ(text_in(records[0], "step"), std::nullopt);
  EXPECT_TRUE(std::isnan(number_in(records[1], "loss").value()));
  EXPECT_EQ(text_in(records[2], "deep"), "[1,2]");
  EXPECT_TRUE(read_json_lines(folder.file("none")).empty());
}

}  // namespace
}  // namespace linformer
