#pragma once

#include <string>
#include <string_view>

namespace linformer {

/// Text that HTML and XML may contain. Bytes that are no UTF-8, control characters and
/// noncharacters become U+FFFD; a carriage return becomes a blank. Tabs and line feeds stay.
std::string printable_text(std::string_view text);

/// The same, escaped for an element or a quoted attribute.
std::string html_escape(std::string_view text);

}  // namespace linformer
