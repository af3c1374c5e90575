#include "linformer/report/html_page.h"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/markup_check.h"

#include "linformer/report/plot.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kNasty = "a<b> & \"c\" 'd' &lt; </p><script>x</script> {@_^} \xC3\xA9 \xFF";
const std::string kNastyShown =
    "a<b> & \"c\" 'd' &lt; </p><script>x</script> {@_^} \xC3\xA9 \xEF\xBF\xBD";

HtmlTable small_table() {
  HtmlTable table;
  table.caption = "Accuracy";
  table.header = {{{"model", 1, 2}, {"SST-2", 2}, {"verdict", 1, 2}}, {{"ours"}, {"paper"}}};
  table.groups = {{"n = 512",
                   {{text_cell("standard"), number_cell("85.1"), published_cell("93.1"),
                     badge_cell({BadgeTone::kBad, "behind"})},
                    {text_cell("Linformer"), missing_cell("no memory"), published_cell("92.4"),
                     badge_cell({BadgeTone::kMissing, "not measured"})}}}};
  return table;
}

Plot small_plot() {
  LinePlot lines;
  lines.series = {{"s", {1, 2}, {1, 2}}};
  return {"A line", "Rises.", lines};
}

/// A page with an element of each kind, all with this text.
HtmlPage page_of(const std::string& text) {
  HtmlPage page(text, text);
  page.section(text);
  page.subsection(text);
  page.paragraph(text);
  page.list({text, text});
  page.verdict({BadgeTone::kGood, text}, text);
  HtmlTable table;
  table.caption = text;
  table.header = {{{text}, {text}, {text}, {text}, {text}}};
  table.groups = {{text,
                   {{text_cell(text), number_cell(text, text), published_cell(text),
                     missing_cell(text), badge_cell({BadgeTone::kNeutral, text})}}}};
  table.notes = {text};
  page.table(table);
  page.figure({{plot_svg(small_plot(), page.next_plot_id()), text},
               {plot_svg(small_plot(), page.next_plot_id())}},
              text);
  page.details(text, {{text, text}});
  return page;
}

TEST(HtmlPage, IsOneWellFormedDocument) {
  for (const std::string& text : {std::string("plain"), kNasty}) {
    const std::string html = page_of(text).html();
    EXPECT_THAT(html, StartsWith("<!DOCTYPE html>\n<html lang=\"en\">"));
    EXPECT_THAT(markup_problems(html), IsEmpty());
    EXPECT_THAT(html, AllOf(HasSubstr("<meta charset=\"utf-8\"/>"), HasSubstr("name=\"viewport\""),
                            HasSubstr("prefers-color-scheme: dark"), HasSubstr("@media print"),
                            Not(HasSubstr("<script"))));
  }
}

TEST(HtmlPage, ShowsEveryTextLiterally) {
  const std::string html = page_of(kNasty).html();
  EXPECT_THAT(texts_of(html, "h1"), ElementsAre(kNastyShown));
  EXPECT_THAT(texts_of(html, "h2"), ElementsAre(kNastyShown));
  EXPECT_THAT(texts_of(html, "h3"), ElementsAre(kNastyShown));
  EXPECT_THAT(texts_of(html, "a"), ElementsAre(kNastyShown, kNastyShown));
  EXPECT_THAT(texts_of(html, "p"), Contains(kNastyShown));
  EXPECT_THAT(texts_of(html, "code"), ElementsAre(kNastyShown));
  EXPECT_THAT(texts_of(html, "summary"), ElementsAre(kNastyShown));
  EXPECT_THAT(texts_of(html, "td"), Contains(kNastyShown + "a"));  // with the footnote's letter
  EXPECT_THAT(texts_of(html, "figcaption"),
              ElementsAre("Data 1 " + kNastyShown, "Plot 1 " + kNastyShown));
}

TEST(HtmlPage, TheSameCallsGiveTheSameBytes) {
  EXPECT_EQ(page_of("text").html(), page_of("text").html());
  const HtmlPage page = page_of("text");
  EXPECT_EQ(page.html(), page.html());
}

TEST(HtmlPage, HasAContentsListWithUniqueAnchors) {
  HtmlPage page("Title", "");
  page.section("Wall-clock time (ms)");
  page.subsection("\xC3\xA9");
  page.section("wall clock TIME: ms");
  const std::string html = page.html();
  EXPECT_THAT(markup_problems(html), IsEmpty());
  EXPECT_THAT(html, AllOf(HasSubstr("<a href=\"#s-wall-clock-time-ms\">"),
                          HasSubstr("<h2 id=\"s-wall-clock-time-ms-2\">"),
                          HasSubstr("<h3 id=\"s-section\">")));
  EXPECT_THAT(HtmlPage("Title", "").html(), Not(HasSubstr("<nav")));
}

TEST(HtmlPage, TablesMarkWhatTheirCellsAre) {
  HtmlPage page("Title", "");
  EXPECT_EQ(page.table(small_table()), "Data 1");
  EXPECT_EQ(page.table(small_table()), "Data 2");
  const std::string html = page.html();
  EXPECT_THAT(markup_problems(html), IsEmpty());
  EXPECT_THAT(html, HasSubstr("<th scope=\"col\" rowspan=\"2\">model</th>"
                              "<th scope=\"colgroup\" colspan=\"2\">SST-2</th>"));
  EXPECT_THAT(html, HasSubstr("<th scope=\"col\" class=\"num\">ours</th>"));
  EXPECT_THAT(html, HasSubstr("<th scope=\"rowgroup\" colspan=\"4\">n = 512</th>"));
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\">standard</th><td class=\"num\">85.1</td>"
                              "<td class=\"num published\">93.1 <abbr title=\"published\">"));
  EXPECT_THAT(html, HasSubstr("<td class=\"num none\">\u2013<sup>a</sup></td>"));
  EXPECT_THAT(
      texts_of(html, "li"),
      ElementsAre("a no memory", "publ.: a value of the paper, not measured here.",
                  "\u2013: not measured.", "a no memory",
                  "publ.: a value of the paper, not measured here.", "\u2013: not measured."));
}

TEST(HtmlPage, EqualFootnotesShareALetter) {
  HtmlTable table;
  std::vector<HtmlCell> row = {text_cell("row")};
  for (int i = 0; i < 28; ++i) row.push_back(number_cell("1", "note " + std::to_string(i)));
  row.push_back(number_cell("2", "note 0"));
  table.groups = {{"", {row}}};
  HtmlPage page("Title", "");
  page.table(table);
  const std::vector<std::string> marks = texts_of(page.html(), "sup");
  ASSERT_EQ(marks.size(), 29u + 28u);
  EXPECT_EQ(marks[0], "a");
  EXPECT_EQ(marks[25], "z");
  EXPECT_EQ(marks[26], "aa");
  EXPECT_EQ(marks[27], "ab");
  EXPECT_EQ(marks[28], "a");
}

TEST(HtmlPage, RefusesTablesWithHoles) {
  HtmlPage page("Title", "");
  HtmlTable table = small_table();
  table.groups[0].rows[1].pop_back();
  EXPECT_THROW(page.table(table), std::invalid_argument);
  table = small_table();
  table.header[1].push_back({"one more"});
  EXPECT_THROW(page.table(table), std::invalid_argument);
  table = small_table();
  table.header[0][1].columns = 0;
  EXPECT_THROW(page.table(table), std::invalid_argument);
  EXPECT_EQ(page.table(small_table()), "Data 1") << "a table that was refused has no number";
}

TEST(HtmlPage, BadgesSayMoreThanTheirColour) {
  HtmlPage page("Title", "");
  page.verdict({BadgeTone::kGood, "equivalent within 3 %"}, "It is within 3 %.");
  page.verdict({BadgeTone::kBad, "behind"}, "");
  page.verdict({BadgeTone::kNeutral, "inconclusive"}, "");
  page.verdict({BadgeTone::kMissing, "not measured"}, "");
  const std::string html = page.html();
  EXPECT_THAT(markup_problems(html), IsEmpty());
  // "%" stays on the line of its number: U+00A0.
  EXPECT_THAT(html,
              HasSubstr("\u2713</span> equivalent within 3\u00A0%</span> It is within 3\u00A0%."));
  EXPECT_THAT(html, AllOf(HasSubstr("\u25BC</span> behind"), HasSubstr("?</span> inconclusive"),
                          HasSubstr("\u2013</span> not measured")));
}

TEST(HtmlPage, FiguresAreNumberedAndHaveSeveralPanels) {
  HtmlPage page("Title", "");
  EXPECT_EQ(page.next_plot_id(), "plot1");
  EXPECT_EQ(page.next_plot_id(), "plot2");
  EXPECT_EQ(page.figure({{"<svg></svg>"}}, "one"), "Plot 1");
  EXPECT_EQ(page.figure({{"<svg></svg>", "(a)"}, {"<svg></svg>", "(b)"}}, "two"), "Plot 2");
  EXPECT_THAT(texts_of(page.html(), "figcaption"), ElementsAre("Plot 1 one", "Plot 2 two"));
  EXPECT_THAT(texts_of(page.html(), "p"), ElementsAre("(a)", "(b)"));
}

}  // namespace
}  // namespace linformer
