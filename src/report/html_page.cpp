#include "linformer/report/html_page.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "html_style.h"

#include "linformer/report/html_text.h"
#include "linformer/report/plot.h"

namespace linformer {

namespace {

constexpr const char* kMissingText = "\u2013";  // an en dash

std::string element(const std::string& name, const std::string& attributes,
                    const std::string& content) {
  return "<" + name + (attributes.empty() ? "" : " " + attributes) + ">" + content + "</" + name +
         ">";
}

/// Escaped running text, in which a "%" stays on the line of its number.
std::string prose(const std::string& text) {
  std::string escaped = html_escape(text);
  for (size_t at = escaped.find(" %"); at != std::string::npos; at = escaped.find(" %", at)) {
    escaped.replace(at, 1, "\u00A0");
  }
  return escaped;
}

/// "wall-clock-time" for "Wall-clock time (ms)": letters and digits of ASCII, other runs as "-".
std::string slug_of(const std::string& text) {
  std::string slug;
  for (const char letter : text) {
    const bool upper = letter >= 'A' && letter <= 'Z';
    const bool kept = upper || (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
    if (kept) {
      slug += upper ? static_cast<char>(letter - 'A' + 'a') : letter;
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  while (slug.ends_with('-')) slug.pop_back();
  return slug.empty() ? "section" : slug;
}

struct ToneLook {
  const char* style;
  const char* sign;  ///< so that colour is not needed
};

ToneLook look_of(BadgeTone tone) {
  switch (tone) {
    case BadgeTone::kGood:
      return {"good", "\u2713"};
    case BadgeTone::kBad:
      return {"bad", "\u25BC"};
    case BadgeTone::kMissing:
      return {"missing", "\u2013"};
    case BadgeTone::kNeutral:
      break;
  }
  return {"neutral", "?"};
}

std::string badge_html(const HtmlBadge& badge) {
  const ToneLook look = look_of(badge.tone);
  return element("span", std::string("class=\"badge ") + look.style + "\"",
                 element("span", "aria-hidden=\"true\"", look.sign) + " " + prose(badge.text));
}

/// "a", ..., "z", "aa", ...
std::string note_letter(size_t number) {
  std::string letters;
  for (size_t rest = number + 1; rest > 0; rest = (rest - 1) / 26) {
    letters.insert(letters.begin(), static_cast<char>('a' + (rest - 1) % 26));
  }
  return letters;
}

/// Writes one table.
class TableWriter {
 public:
  TableWriter(const HtmlTable& table, size_t number)
      : table_(table),
        name_("Data " + std::to_string(number)),
        id_("table-" + std::to_string(number)) {
    check_columns();
    numeric_.resize(num_columns_, false);
    for (const HtmlRowGroup& group : table_.groups) {
      for (const auto& row : group.rows) note_kinds(row);
    }
  }

  std::string html() {
    std::string rows = head();
    for (const HtmlRowGroup& group : table_.groups) rows += body(group);
    // The caption stands outside of what scrolls.
    std::string all = "<figure>\n" +
                      element("figcaption", "id=\"" + id_ + "\"",
                              element("b", "", name_) + " " + prose(table_.caption)) +
                      "\n";
    all += "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-labelledby=\"" + id_ + "\">\n";
    all += "<table aria-labelledby=\"" + id_ + "\">\n" + rows + "</table>\n</div>\n";
    return all + notes() + "</figure>\n";
  }

 private:
  /// Every row has to fill the columns, with what header cells above it span. Notes the first
  /// column of each header cell.
  void check_columns() {
    std::vector<int> covered;  // rows that a cell above still spans, for each column
    for (const auto& row : table_.header) {
      header_columns_.emplace_back();
      std::vector<int> next(covered.size(), 0);
      size_t column = 0;
      const auto pass_covered = [&] {
        for (; column < covered.size() && covered[column] > 0; ++column) {
          next[column] = covered[column] - 1;
        }
      };
      for (const HtmlHeaderCell& cell : row) {
        if (cell.columns < 1 || cell.rows < 1)
          throw std::invalid_argument("a header cell spans at least one row and column");
        pass_covered();
        header_columns_.back().push_back(column);
        for (int c = 0; c < cell.columns; ++c, ++column) {
          next.resize(std::max(next.size(), column + 1), 0);
          next[column] = cell.rows - 1;
        }
      }
      pass_covered();
      if (header_columns_.size() > 1 && column != num_columns_) fail_columns();
      num_columns_ = column;
      covered = next;
    }
    for (const HtmlRowGroup& group : table_.groups) {
      for (const auto& row : group.rows) {
        if (num_columns_ == 0) num_columns_ = row.size();
        if (row.size() != num_columns_ || row.empty()) fail_columns();
      }
    }
  }

  [[noreturn]] void fail_columns() const {
    throw std::invalid_argument("rows of the table '" + table_.caption + "' differ in width");
  }

  void note_kinds(const std::vector<HtmlCell>& row) {
    for (size_t c = 0; c < row.size(); ++c) {
      const CellKind kind = row[c].kind;
      has_published_ = has_published_ || kind == CellKind::kPublished;
      has_missing_ = has_missing_ || kind == CellKind::kMissing;
      if (kind == CellKind::kNumber || kind == CellKind::kPublished) numeric_[c] = true;
    }
  }

  std::string head() const {
    if (table_.header.empty()) return "";
    std::string rows;
    for (size_t r = 0; r < table_.header.size(); ++r) {
      std::string cells;
      for (size_t c = 0; c < table_.header[r].size(); ++c) {
        cells += header_cell(table_.header[r][c], numeric_[header_columns_[r][c]]);
      }
      rows += "<tr>" + cells + "</tr>\n";
    }
    return "<thead>\n" + rows + "</thead>\n";
  }

  static std::string header_cell(const HtmlHeaderCell& cell, bool numeric) {
    std::string attributes = cell.columns > 1 ? "scope=\"colgroup\"" : "scope=\"col\"";
    if (cell.columns > 1) attributes += " colspan=\"" + std::to_string(cell.columns) + "\"";
    if (cell.rows > 1) attributes += " rowspan=\"" + std::to_string(cell.rows) + "\"";
    if (cell.columns == 1 && numeric) attributes += " class=\"num\"";
    return element("th", attributes, html_escape(cell.text));
  }

  std::string body(const HtmlRowGroup& group) {
    std::string rows;
    if (!group.title.empty()) {
      rows += "<tr class=\"group\">" +
              element("th", "scope=\"rowgroup\" colspan=\"" + std::to_string(num_columns_) + "\"",
                      html_escape(group.title)) +
              "</tr>\n";
    }
    for (const auto& row : group.rows) {
      std::string cells;
      for (size_t c = 0; c < row.size(); ++c) cells += body_cell(row[c], c);
      rows += "<tr>" + cells + "</tr>\n";
    }
    return rows.empty() ? "" : "<tbody>\n" + rows + "</tbody>\n";
  }

  std::string body_cell(const HtmlCell& cell, size_t column) {
    const std::string content = content_of(cell) + note_mark(cell.note);
    std::string style;
    if (cell.kind == CellKind::kPublished) style = "num published";
    if (cell.kind == CellKind::kNumber) style = "num";
    if (cell.kind == CellKind::kMissing) style = numeric_[column] ? "num none" : "none";
    std::string attributes = style.empty() ? "" : "class=\"" + style + "\"";
    if (column > 0) return element("td", attributes, content);
    return element("th", attributes + (attributes.empty() ? "" : " ") + "scope=\"row\"", content);
  }

  static std::string content_of(const HtmlCell& cell) {
    if (cell.kind == CellKind::kBadge) return badge_html({cell.tone, cell.text});
    if (cell.kind == CellKind::kMissing && cell.text.empty()) return kMissingText;
    const std::string text = html_escape(cell.text);
    if (cell.kind != CellKind::kPublished) return text;
    return text + " " + element("abbr", "title=\"published\"", "publ.");
  }

  /// The letter of a footnote; the same for the same text.
  std::string note_mark(const std::string& note) {
    if (note.empty()) return "";
    const auto found = std::find(footnotes_.begin(), footnotes_.end(), note);
    const auto number = static_cast<size_t>(found - footnotes_.begin());
    if (found == footnotes_.end()) footnotes_.push_back(note);
    return element("sup", "", note_letter(number));
  }

  std::string notes() const {
    std::string lines;
    for (size_t i = 0; i < footnotes_.size(); ++i) {
      lines +=
          element("li", "", element("sup", "", note_letter(i)) + " " + prose(footnotes_[i])) + "\n";
    }
    if (has_published_) lines += "<li>publ.: a value of the paper, not measured here.</li>\n";
    if (has_missing_) lines += std::string("<li>") + kMissingText + ": not measured.</li>\n";
    for (const std::string& note : table_.notes) {
      lines += element("li", "", prose(note)) + "\n";
    }
    return lines.empty() ? "" : "<ul class=\"notes\">\n" + lines + "</ul>\n";
  }

  const HtmlTable& table_;
  std::string name_, id_;
  size_t num_columns_ = 0;
  std::vector<std::vector<size_t>> header_columns_;
  std::vector<bool> numeric_;  ///< columns with numbers
  std::vector<std::string> footnotes_;
  bool has_published_ = false, has_missing_ = false;
};

}  // namespace

HtmlCell text_cell(const std::string& text) {
  return {text, CellKind::kText};
}

HtmlCell number_cell(const std::string& text, const std::string& note) {
  return {text, CellKind::kNumber, note};
}

HtmlCell published_cell(const std::string& text, const std::string& note) {
  return {text, CellKind::kPublished, note};
}

HtmlCell missing_cell(const std::string& note) {
  return {"", CellKind::kMissing, note};
}

HtmlCell badge_cell(const HtmlBadge& badge) {
  return {badge.text, CellKind::kBadge, "", badge.tone};
}

HtmlPage::HtmlPage(std::string title, std::string subtitle)
    : title_(std::move(title)), subtitle_(std::move(subtitle)) {}

void HtmlPage::heading(int level, const std::string& text) {
  // Ids of plots and of the page's own parts never look like "s-...".
  const std::string base = "s-" + slug_of(text);
  std::string anchor = base;
  const auto is_taken = [&](const Heading& other) { return other.anchor == anchor; };
  for (int number = 2; std::any_of(headings_.begin(), headings_.end(), is_taken); ++number) {
    anchor = base + "-" + std::to_string(number);
  }
  headings_.push_back({level, anchor, text});
  body_ += element("h" + std::to_string(level), "id=\"" + anchor + "\"", html_escape(text)) + "\n";
}

void HtmlPage::section(const std::string& heading_text) {
  heading(2, heading_text);
}

void HtmlPage::subsection(const std::string& heading_text) {
  heading(3, heading_text);
}

void HtmlPage::paragraph(const std::string& text) {
  body_ += element("p", "", prose(text)) + "\n";
}

void HtmlPage::list(const std::vector<std::string>& items) {
  if (items.empty()) return;
  body_ += "<ul>\n";
  for (const std::string& item : items) body_ += element("li", "", prose(item)) + "\n";
  body_ += "</ul>\n";
}

void HtmlPage::verdict(const HtmlBadge& badge, const std::string& sentence) {
  body_ += element("p", "class=\"verdict\"", badge_html(badge) + " " + prose(sentence)) + "\n";
}

std::string HtmlPage::table(const HtmlTable& table) {
  body_ += TableWriter(table, num_tables_ + 1).html();
  return "Data " + std::to_string(++num_tables_);
}

std::string HtmlPage::figure(const std::vector<HtmlPanel>& panels, const std::string& caption) {
  const std::string name = "Plot " + std::to_string(++num_figures_);
  body_ += "<figure id=\"figure-" + std::to_string(num_figures_) + "\">\n";
  body_ += panels.size() > 1 ? "<div class=\"panels\">\n" : "<div class=\"panel\">\n";
  for (const HtmlPanel& panel : panels) {
    body_ += "<div class=\"wide\">\n";
    if (!panel.title.empty()) {
      body_ += element("p", "class=\"panel-title\"", html_escape(panel.title)) + "\n";
    }
    body_ += panel.svg + "</div>\n";
  }
  body_ += "</div>\n" + element("figcaption", "", element("b", "", name) + " " + prose(caption)) +
           "\n</figure>\n";
  return name;
}

void HtmlPage::details(const std::string& summary,
                       const std::vector<std::pair<std::string, std::string>>& entries) {
  body_ += "<details>\n" + element("summary", "", html_escape(summary)) + "\n<dl>\n";
  for (const auto& [name, value] : entries) {
    body_ += element("dt", "", html_escape(name)) +
             element("dd", "", element("code", "", html_escape(value))) + "\n";
  }
  body_ += "</dl>\n</details>\n";
}

std::string HtmlPage::next_plot_id() {
  return "plot" + std::to_string(++num_plots_);
}

std::string HtmlPage::html() const {
  std::string contents;
  for (const Heading& heading : headings_) {
    contents +=
        element("li", heading.level > 2 ? "class=\"sub\"" : "",
                element("a", "href=\"#" + heading.anchor + "\"", html_escape(heading.text))) +
        "\n";
  }
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<meta name=\"color-scheme\" content=\"light dark\"/>\n";
  page += element("title", "", html_escape(title_)) + "\n";
  page += element("style", "", "\n" + html_style() + plot_css()) + "\n</head>\n<body>\n<header>\n";
  page += element("h1", "", html_escape(title_)) + "\n";
  if (!subtitle_.empty()) {
    page += element("p", "class=\"subtitle\"", html_escape(subtitle_)) + "\n";
  }
  page += "</header>\n";
  if (!contents.empty()) {
    page += "<nav aria-label=\"Contents\">\n<ul>\n" + contents + "</ul>\n</nav>\n";
  }
  return page + "<main>\n" + body_ + "</main>\n</body>\n</html>\n";
}

}  // namespace linformer
