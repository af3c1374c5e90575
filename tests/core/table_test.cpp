#include "linformer/core/table.h"

#include <gtest/gtest.h>

namespace linformer {
namespace {

const TableRows kRows{{"model", "accuracy"}, {"a|b", "81.25 %"}, {"c"}};

TEST(Table, IsAlignedForATerminal) {
  EXPECT_EQ(table_text(kRows, TableStyle::kAligned),
            "model  accuracy\n"
            "-----  --------\n"
            "a|b     81.25 %\n"
            "c\n");
}

TEST(Table, IsMarkdownForDocuments) {
  EXPECT_EQ(table_text(kRows, TableStyle::kMarkdown),
            "| model | accuracy |\n"
            "|---|---|\n"
            "| a\\|b | 81.25 % |\n"
            "| c |  |\n");
}

}  // namespace
}  // namespace linformer
