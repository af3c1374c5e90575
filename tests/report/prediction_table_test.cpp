#include "linformer/report/prediction_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(PredictionTable, IsTabsAndBack) {
  const TemporaryFolder folder;
  PredictionTable table;
  table.labels = {"no", "yes"};
  table.rows = {{2, "a\tb", "yes", "no", {0.75, 0.25}}, {3, "c", "no", "no", {1.0, 0.0}}};
  EXPECT_EQ(table.text(),
            "line\tid\tlabel\tprediction\tp(no)\tp(yes)\n"
            "2\ta b\tyes\tno\t0.750000\t0.250000\n"
            "3\tc\tno\tno\t1.000000\t0.000000\n");
  write_file_atomically(folder.file("p.tsv"), table.text());
  const PredictionTable read = PredictionTable::read(folder.file("p.tsv"));
  EXPECT_THAT(read.labels, ElementsAre("no", "yes"));
  EXPECT_THAT(read.predictions(), ElementsAre(0.0, 0.0));
  EXPECT_THAT(read.targets(), ElementsAre(1.0, 0.0));
  EXPECT_EQ(read.rows[1].line, 3);
}

TEST(PredictionTable, NumbersOfARegressionAndRowsWithoutLabel) {
  PredictionTable table;
  table.rows = {{1, "0", "", "2.5", {}}, {2, "1", "", "-1", {}}};
  EXPECT_THAT(table.predictions(), ElementsAre(2.5, -1.0));
  EXPECT_THAT(table.targets(), IsEmpty());
}

TEST(PredictionTable, OtherTablesAreRefusedByLine) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& text) {
    write_file_atomically(folder.file("x.tsv"), text);
    return message_of<RunError>([&] { PredictionTable::read(folder.file("x.tsv")); });
  };
  EXPECT_THAT(message("a\tb\n"), HasSubstr("x.tsv:1: has another header"));
  EXPECT_THAT(message("line\tid\tlabel\tprediction\n1\t2\t3\n"),
              HasSubstr("x.tsv:2: has another number of fields"));
  PredictionTable table;
  table.labels = {"a", "b"};
  table.rows = {{1, "0", "a", "c", {}}};
  EXPECT_THAT(message_of<RunError>([&] { table.predictions(); }), HasSubstr("'c' is not a label"));
}

}  // namespace
}  // namespace linformer
