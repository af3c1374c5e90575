#include "svg_rewriter.h"

#include <cctype>
#include <optional>
#include <regex>
#include <set>
#include <utility>
#include <vector>

#include "gnuplot.h"
#include "plot_style.h"

#include "linformer/core/error.h"
#include "linformer/report/html_text.h"

namespace linformer {

namespace {

using Attribute = std::pair<std::string, std::string>;

struct Tag {
  std::string name;
  std::vector<Attribute> attributes;
  bool closes = false;  ///< </name>
  bool empty = false;   ///< <name/>

  const std::string* find(const std::string& wanted) const {
    for (const auto& [attribute, value] : attributes) {
      if (attribute == wanted) return &value;
    }
    return nullptr;
  }
};

/// What is between "<" and ">". gnuplot writes attributes in both kinds of quotes, with and without
/// blanks around "=".
Tag parse_tag(const std::string& inside) {
  static const std::regex kAttribute("([a-zA-Z:-]+)\\s*=\\s*(?:\"([^\"]*)\"|'([^']*)')");
  Tag tag;
  tag.closes = inside.starts_with('/');
  tag.empty = inside.ends_with('/');
  const size_t start = tag.closes ? 1 : 0;
  tag.name = inside.substr(start, inside.find_first_of(" \t\n/", start) - start);
  for (std::sregex_iterator match(inside.begin(), inside.end(), kAttribute), end; match != end;
       ++match) {
    tag.attributes.emplace_back((*match)[1], (*match)[2].matched ? (*match)[2] : (*match)[3]);
  }
  return tag;
}

/// The numbers of "rgb(  0, 114, 178)".
std::optional<Rgb> parse_rgb(const std::string& text) {
  static const std::regex kRgb("rgb\\(\\s*(\\d{1,3}),\\s*(\\d{1,3}),\\s*(\\d{1,3})\\)");
  std::smatch match;
  if (!std::regex_match(text, match, kRgb)) return std::nullopt;
  return Rgb{std::stoi(match[1]), std::stoi(match[2]), std::stoi(match[3])};
}

std::string page_value_of_color(const std::string& value) {
  if (value == "black") return "currentColor";
  const std::optional<Rgb> color = parse_rgb(value);
  if (!color) return value;
  return page_color(*color).value_or(hex_color(*color));
}

std::string trimmed(const std::string& text) {
  const size_t start = text.find_first_not_of(" \t\n");
  if (start == std::string::npos) return "";
  return text.substr(start, text.find_last_not_of(" \t\n") - start + 1);
}

class Rewriter {
 public:
  explicit Rewriter(std::string id) : id_(std::move(id)) {}

  void rewrite(std::string_view body) {
    for (size_t place = 0; place < body.size();) {
      const size_t start = body.find('<', place);
      text(
          std::string(body.substr(place, start == std::string_view::npos ? start : start - place)));
      if (start == std::string_view::npos) return;
      const size_t end = body.find('>', start);
      if (end == std::string_view::npos) return;
      tag(parse_tag(std::string(body.substr(start + 1, end - start - 1))));
      place = end + 1;
    }
  }

  std::string result() const {
    std::string all;
    for (const Piece& piece : pieces_) all += piece.text;
    return all;
  }

 private:
  struct Piece {
    std::string text;
    bool opens_group = false;
  };

  /// Titles within the drawing repeat names of series, or number them. White discs, which gnuplot
  /// draws under error bars, would be seen on dark pages.
  bool is_dropped(const Tag& tag) {
    if (tag.name == "title") in_title_ = !tag.closes;
    const bool background = tag.name == "rect" && tag.find("fill") != nullptr &&
                            *tag.find("fill") == "none" && tag.find("id") == nullptr;
    const std::string* color = tag.find("color");
    const bool disc = tag.name == "use" && color != nullptr && *color == "white";
    const bool filter = tag.name == "filter" || tag.name.starts_with("fe");
    return tag.name == "title" || tag.name.starts_with('!') || background || disc || filter;
  }

  void text(const std::string& drawn) {
    const std::string content = trimmed(drawn);
    if (!content.empty() && !in_title_) pieces_.push_back({shown_text(content)});
  }

  void tag(const Tag& tag) {
    if (is_dropped(tag)) return;
    if (tag.closes) {
      // A group whose start was the last piece holds nothing.
      if (tag.name == "g" && !pieces_.empty() && pieces_.back().opens_group) {
        pieces_.pop_back();
      } else {
        pieces_.push_back({"</" + tag.name + ">\n"});
      }
      return;
    }
    std::string start = "<" + tag.name;
    for (const Attribute& attribute : tag.attributes) {
      // gnuplot numbers groups; nothing refers to them.
      if (tag.name != "g" || attribute.first != "id") start += rewritten(attribute);
    }
    start += tag.empty ? "/>\n" : ">";
    pieces_.push_back({start, tag.name == "g" && !tag.empty});
  }

  /// ' name="value"', or "" for what the page decides.
  std::string rewritten(const Attribute& attribute) const {
    static const std::set<std::string> kDropped = {"font-family", "class", "xml:space",
                                                   "stroke-linecap", "stroke-linejoin"};
    const auto& [name, value] = attribute;
    if (kDropped.count(name)) return "";
    // "color" is what currentColor means inside; gnuplot's is black.
    if (name == "color" && !parse_rgb(value)) return "";
    if (name == "id") return quoted(name, id_ + "-" + value);
    if (name == "xlink:href" || name == "href") {
      return quoted("href", "#" + id_ + "-" + value.substr(value.starts_with('#') ? 1 : 0));
    }
    if (value.starts_with("url(#")) return quoted(name, "url(#" + id_ + "-" + value.substr(5));
    if (name == "style") return quoted(name, rewritten_style(value));
    return quoted(name, page_value_of_color(trimmed(value)));
  }

  static std::string quoted(const std::string& name, const std::string& value) {
    return " " + name + "=\"" + value + "\"";
  }

  /// "fill:none; stroke:rgb(1,2,0)" of patterns.
  static std::string rewritten_style(const std::string& style) {
    const size_t colon = style.rfind(':');
    if (colon == std::string::npos) return style;
    return style.substr(0, colon + 1) + page_value_of_color(trimmed(style.substr(colon + 1)));
  }

  std::string id_;
  std::vector<Piece> pieces_;
  bool in_title_ = false;
};

/// The text between gnuplot's own head and the end tag.
std::string_view body_of(std::string_view drawn) {
  const size_t head = drawn.find("<svg");
  const size_t end = drawn.rfind("</svg>");
  const size_t start = head == std::string_view::npos ? head : drawn.find('>', head);
  if (start == std::string_view::npos || end == std::string_view::npos || end < start) {
    fail_run("gnuplot", "its output is not a whole SVG", "check that the disk is not full");
  }
  return drawn.substr(start + 1, end - start - 1);
}

/// Without gnuplot's <desc>, which names its version.
std::string without_description(std::string_view body) {
  std::string kept(body);
  const size_t start = kept.find("<desc>");
  const size_t end = kept.find("</desc>");
  if (start != std::string::npos && end != std::string::npos && start < end) {
    kept.erase(start, end + std::string_view("</desc>").size() - start);
  }
  return kept;
}

}  // namespace

std::string svg_head(int width, int height, const std::string& id, const std::string& title,
                     const std::string& description) {
  const std::string size = std::to_string(width) + " " + std::to_string(height);
  std::string head = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" id=\"" + id +
                     "\" role=\"img\" aria-labelledby=\"" + id + "-title " + id +
                     "-desc\" width=\"" + std::to_string(width) + "\" height=\"" +
                     std::to_string(height) + "\" viewBox=\"0 0 " + size +
                     "\" font-family=\"system-ui, sans-serif\">\n";
  head += "<title id=\"" + id + "-title\">" + html_escape(title) + "</title>\n";
  head += "<desc id=\"" + id + "-desc\">" + html_escape(description) + "</desc>\n";
  return head;
}

std::string rewritten_svg(std::string_view drawn, const std::string& head, const std::string& id) {
  Rewriter rewriter(id);
  rewriter.rewrite(without_description(body_of(drawn)));
  return head + rewriter.result() + "</svg>\n";
}

}  // namespace linformer
