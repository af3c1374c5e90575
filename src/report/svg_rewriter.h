#pragma once

#include <string>
#include <string_view>

namespace linformer {

/// The start tag of a picture of a page, with role="img" and its title and description.
std::string svg_head(int width, int height, const std::string& id, const std::string& title,
                     const std::string& description);

/// Makes gnuplot's SVG a picture of a page: `head` in place of its own, ids that start with `id`,
/// no names of fonts, no groups without content. Black becomes the page's colour of text; the
/// signal colours of plot_style.h become the page's colours of series and grid; texts of gnuplot.h
/// become plain. All else stays. Throws RunError if `drawn` is not a whole SVG.
std::string rewritten_svg(std::string_view drawn, const std::string& head, const std::string& id);

}  // namespace linformer
