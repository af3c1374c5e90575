// docs/troubleshooting.md quotes messages. Each has to occur in the sources, word by word, so that
// a user who searches the page for a message finds it.
#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "architecture/source_tree.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// The string literals of C++ code, one a line; literals that stand beside each other are joined,
/// as the compiler joins them.
std::string literals_of(const std::string& code) {
  std::string text;
  bool inside = false, beside = false;
  for (size_t i = 0; i < code.size(); ++i) {
    const char c = code[i];
    if (inside && c == '\\') {
      text += code[++i];
    } else if (c == '"') {
      if (!inside && !beside) text += '\n';
      inside = !inside;
      beside = true;
    } else if (inside) {
      text += c;
    } else if (!std::isspace(static_cast<unsigned char>(c))) {
      beside = false;
    }
  }
  return text;
}

TEST(Troubleshooting, LiteralsAreJoinedAsTheCompilerDoes) {
  EXPECT_EQ(literals_of("f(\"a \"\n   \"b\", x + \" c\")"), "\na b\n c");
  EXPECT_EQ(literals_of("g(\"named \\\"text\\\"\")"), "\nnamed \"text\"");
}

/// What stands between the dots of a quoted message.
std::vector<std::string> parts_of(const std::string& message) {
  std::vector<std::string> parts;
  const std::string dots = "...";
  for (size_t from = 0; from <= message.size();) {
    const size_t to = std::min(message.find(dots, from), message.size());
    if (to > from) parts.push_back(message.substr(from, to - from));
    from = to + dots.size();
  }
  return parts;
}

TEST(Troubleshooting, DotsStandForWhatDiffers) {
  EXPECT_THAT(parts_of("in use by ..."), ElementsAre("in use by "));
  EXPECT_THAT(parts_of("..., which fills ... pieces"), ElementsAre(", which fills ", " pieces"));
}

/// The texts that messages are made of, one for each source file.
std::vector<std::string> message_texts() {
  std::vector<std::string> texts;
  for (const char* under : {"src", "include"}) {
    for (const SourceFile& file : read_sources(under)) texts.push_back(literals_of(file.text));
  }
  for (const SourceFile& file : read_all_text()) {
    const bool builds = file.path.ends_with(".cmake") || file.path.ends_with("CMakeLists.txt");
    if (builds || file.path.ends_with(".sh")) texts.push_back(file.text);
  }
  return texts;
}

bool occurs(const std::string& message, const std::vector<std::string>& texts) {
  const std::vector<std::string> parts = parts_of(message);
  return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
    return std::all_of(parts.begin(), parts.end(), [&](const std::string& part) {
      return text.find(part) != std::string::npos;
    });
  });
}

/// The messages of the page: the first column of its tables.
std::vector<std::string> quoted_messages() {
  std::ifstream page(root_folder() / "docs/troubleshooting.md");
  std::vector<std::string> messages;
  const std::string begin = "| `", end = "` |";
  for (std::string line; std::getline(page, line);) {
    const size_t to = line.find(end);
    if (!line.starts_with(begin) || to == std::string::npos) continue;
    messages.push_back(line.substr(begin.size(), to - begin.size()));
  }
  return messages;
}

TEST(Troubleshooting, QuotesMessagesThatExist) {
  const auto texts = message_texts();
  EXPECT_FALSE(occurs("a message that no program prints", texts));
  std::vector<std::string> unknown;
  const auto messages = quoted_messages();
  EXPECT_GT(messages.size(), 50u);
  for (const std::string& message : messages) {
    if (!occurs(message, texts)) unknown.push_back(message);
  }
  EXPECT_THAT(unknown, IsEmpty());
}

// "is there" would be found anywhere, and would find nothing for the user.
TEST(Troubleshooting, QuotesEnoughToBeFound) {
  for (const std::string& message : quoted_messages()) {
    size_t longest = 0;
    for (const std::string& part : parts_of(message)) longest = std::max(longest, part.size());
    EXPECT_GE(longest, 9u) << message;
  }
}

}  // namespace
}  // namespace linformer
