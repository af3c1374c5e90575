#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace linformer {

// A report as one HTML5 page without scripts that refers to nothing outside: it can be mailed, and
// opens without a network. Light and dark follow the system; it prints black on white. All texts
// are plain UTF-8 and are escaped here (report/html_text.h).

/// How a computed verdict looks. Each has a sign too, so that colour is not needed.
enum class BadgeTone {
  kGood,     ///< equivalent, ahead
  kBad,      ///< behind
  kNeutral,  ///< inconclusive, one seed
  kMissing   ///< not measured
};

struct HtmlBadge {
  BadgeTone tone = BadgeTone::kNeutral;
  std::string text;  ///< "equivalent within 3 %"
};

enum class CellKind {
  kText,
  kNumber,     ///< to the right, in digits of one width
  kPublished,  ///< a number of the paper, marked by its look and by "publ."
  kMissing,    ///< not measured; `text` empty gives "–"
  kBadge       ///< `tone` says which
};

struct HtmlCell {
  std::string text;
  CellKind kind = CellKind::kText;
  std::string note = {};  ///< a footnote below the table; equal ones share a letter
  BadgeTone tone = BadgeTone::kNeutral;
};

HtmlCell text_cell(const std::string& text);
HtmlCell number_cell(const std::string& text, const std::string& note = {});
HtmlCell published_cell(const std::string& text, const std::string& note = {});
HtmlCell missing_cell(const std::string& note = {});
HtmlCell badge_cell(const HtmlBadge& badge);

struct HtmlHeaderCell {
  std::string text;
  int columns = 1, rows = 1;  ///< that it spans
};

struct HtmlRowGroup {
  std::string title;  ///< a row above the group; empty = none
  std::vector<std::vector<HtmlCell>> rows;
};

/// The first cell of each row is the row's header.
struct HtmlTable {
  std::string caption;
  std::vector<std::vector<HtmlHeaderCell>> header;  ///< rows of the header
  std::vector<HtmlRowGroup> groups;
  std::vector<std::string> notes = {};  ///< below the table, after the footnotes
};

/// One of the pictures of a figure.
struct HtmlPanel {
  std::string svg;  ///< of plot_svg(); taken as it is. Two beside each other: 480 pixels wide
  std::string title = {};  ///< above it: "(a) n = 512"
};

/// Collects the parts of a page in their order.
class HtmlPage {
 public:
  HtmlPage(std::string title, std::string subtitle);

  /// A heading and its entry in the table of contents. Its anchor follows from its text and is
  /// unique.
  void section(const std::string& heading);
  void subsection(const std::string& heading);
  void paragraph(const std::string& text);
  void list(const std::vector<std::string>& items);
  /// A badge and a sentence beside it.
  void verdict(const HtmlBadge& badge, const std::string& sentence);
  /// Returns "Data 1", the name that stands in front of its caption. ("Table 1" is a name in the
  /// paper that a page is about.) Throws std::invalid_argument if a row of the body or of the
  /// header does not have the columns of the first row.
  std::string table(const HtmlTable& table);
  /// Returns "Plot 1". Several panels stand beside each other where the page is wide enough.
  std::string figure(const std::vector<HtmlPanel>& panels, const std::string& caption);
  /// Names and values (command, configuration hash, seeds, machine) that open with a click, and are
  /// printed.
  void details(const std::string& summary,
               const std::vector<std::pair<std::string, std::string>>& entries);

  /// The id for the SVG of the next panel: "plot1", "plot2", ...
  std::string next_plot_id();

  /// The whole page. The same calls give the same bytes.
  std::string html() const;

 private:
  struct Heading {
    int level;
    std::string anchor, text;
  };
  void heading(int level, const std::string& text);

  std::string title_, subtitle_, body_;
  std::vector<Heading> headings_;
  size_t num_tables_ = 0, num_figures_ = 0, num_plots_ = 0;
};

}  // namespace linformer
