#include "help_format.h"

#include <CLI/CLI.hpp>

#include "command_text.h"

namespace linformer {
namespace {

class HelpFormat : public CLI::Formatter {
 public:
  HelpFormat() {
    constexpr size_t kNameColumn = 34;
    column_width(kNameColumn);
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string value = describe_option(*option).value_text();
    return value.empty() ? "" : " " + value;
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    return describe_option(*option).full_help();
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_format() {
  return std::make_shared<HelpFormat>();
}

}  // namespace linformer
