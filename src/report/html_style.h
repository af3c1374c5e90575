#pragma once

#include <string>

namespace linformer {

/// The style sheet of reports, without the colours of plots (plot_css()). It has no "<", "&" and no
/// address, since it stands between tags as it is.
std::string html_style();

}  // namespace linformer
