#include "report/markup_check.h"

#include <regex>
#include <set>
#include <sstream>
#include <utility>

namespace linformer {

namespace {

constexpr const char* kNamespace = "http://www.w3.org/2000/svg";

std::string resolved(std::string text) {
  for (const auto& [entity, letter] : std::vector<std::pair<std::string, std::string>>{
           {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}}) {
    for (size_t at = text.find(entity); at != std::string::npos;
         at = text.find(entity, at + letter.size())) {
      text.replace(at, entity.size(), letter);
    }
  }
  return text;
}

class Checker {
 public:
  void check(const std::string& markup) {
    for (size_t place = 0; place < markup.size();) {
      const size_t start = markup.find('<', place);
      text(markup.substr(place, start == std::string::npos ? start : start - place));
      if (start == std::string::npos) break;
      const size_t end = markup.find('>', start);
      if (end == std::string::npos) {
        problem("a tag without end");
        break;
      }
      tag(markup.substr(start + 1, end - start - 1));
      place = end + 1;
    }
    for (const std::string& name : open_) problem("<" + name + "> is not closed");
    for (const std::string& reference : references_) {
      if (!ids_.count(reference)) problem("no id '" + reference + "'");
    }
  }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  void problem(const std::string& what) { problems_.push_back(what); }

  void text(const std::string& text) {
    static const std::regex kEntity("&(?!(lt|gt|amp|quot|#39);)");
    std::smatch match;
    const bool style = !open_.empty() && open_.back() == "style";
    if (!style && std::regex_search(text, match, kEntity)) problem("a bare & in: " + text);
    if (!style && text.find('>') != std::string::npos) problem("a bare > in: " + text);
    if (text.find("http") != std::string::npos) problem("an address in: " + text);
    if (style && text.find("url(") != std::string::npos) problem("an address in the style");
  }

  void tag(const std::string& inside) {
    if (inside == "!DOCTYPE html") return;
    if (inside.starts_with('/')) {
      if (open_.empty() || open_.back() != inside.substr(1)) {
        problem("</" + inside.substr(1) + "> closes " + (open_.empty() ? "nothing" : open_.back()));
        return;
      }
      open_.pop_back();
      return;
    }
    static const std::regex kTag("([a-z][a-zA-Z0-9]*)((?:\\s+[a-zA-Z:-]+=\"[^\"<]*\")*)\\s*(/?)");
    std::smatch match;
    if (!std::regex_match(inside, match, kTag)) {
      problem("not a tag: <" + inside + ">");
      return;
    }
    const std::string name = match[1];
    for (const char* refused : {"script", "link", "iframe", "object", "embed", "image"}) {
      if (name == refused) problem("<" + name + ">");
    }
    attributes(match[2]);
    if (match[3].length() == 0) open_.push_back(name);
  }

  void attributes(const std::string& list) {
    static const std::regex kAttribute("([a-zA-Z:-]+)=\"([^\"]*)\"");
    std::set<std::string> seen;
    for (std::sregex_iterator match(list.begin(), list.end(), kAttribute), end; match != end;
         ++match) {
      const std::string name = (*match)[1], value = (*match)[2];
      if (!seen.insert(name).second) problem("the attribute " + name + " twice");
      if (name.starts_with("on")) problem("the handler " + name);
      if (name == "id" && !ids_.insert(value).second) problem("the id '" + value + "' twice");
      if (name == "href" || name == "src") reference(value);
      if (value.starts_with("url(")) reference(value.substr(4, value.size() - 5));
      if (name.starts_with("aria-labelledby")) {
        std::istringstream ids(value);
        for (std::string id; ids >> id;) references_.insert(id);
      }
      if (value != kNamespace) text(value);
    }
  }

  void reference(const std::string& target) {
    if (target.starts_with('#')) {
      references_.insert(target.substr(1));
    } else {
      problem("a reference outside: " + target);
    }
  }

  std::vector<std::string> problems_, open_;
  std::set<std::string> ids_, references_;
};

}  // namespace

std::vector<std::string> markup_problems(const std::string& markup) {
  Checker checker;
  checker.check(markup);
  return checker.problems();
}

std::vector<std::string> texts_of(const std::string& markup, const std::string& name) {
  const std::regex element("<" + name + "(?:\\s[^>]*)?>([\\s\\S]*?)</" + name + ">");
  static const std::regex kTag("<[^>]*>");
  std::vector<std::string> texts;
  for (std::sregex_iterator match(markup.begin(), markup.end(), element), end; match != end;
       ++match) {
    texts.push_back(resolved(std::regex_replace((*match)[1].str(), kTag, "")));
  }
  return texts;
}

}  // namespace linformer
