#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace linformer {

// gnuplot as a child process, and texts that pass through it. gnuplot gives a meaning to quotes,
// "%", "@", "{", "_", "^", "\", "`" and "&#x", which differs between versions and between kinds of
// text. So it never sees them: gnuplot_text() puts a character of Unicode's private plane 15 in
// place of each, which gnuplot copies and counts as one, and shown_text() puts them back.

/// One line of text as gnuplot sees it: letters, digits, blanks, a few marks, and private
/// characters. To be put between quotes.
std::string gnuplot_text(std::string_view text);

/// The same between single quotes.
std::string gnuplot_quoted(std::string_view text);

/// The text of gnuplot's output, escaped for HTML and XML.
std::string shown_text(std::string_view drawn);

/// Characters, each of which gnuplot takes as equally wide.
size_t num_characters(std::string_view text);

/// A number as gnuplot reads it; the same bits.
std::string gnuplot_number(double value);

/// The path of gnuplot. Throws RunError with the fix if it is not on the PATH.
std::string find_gnuplot(const std::string& otherwise = "");

/// Runs a script without the user's settings and returns the SVG. The script gets its terminal
/// (`width` x `height` pixels) and its output in front. `name`: of the plot, for messages. Throws
/// RunError with gnuplot's message.
std::string run_gnuplot(const std::string& script, int width, int height, const std::string& name);

}  // namespace linformer
