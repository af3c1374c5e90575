#pragma once

#include <string>
#include <vector>

namespace linformer {

/// What is wrong with a piece of markup, read strictly as XML: tags that do not match, attributes
/// without quotes or twice, a bare "<" or "&", unknown entities, ids that occur twice, references
/// to ids that are not there. Also what a page without scripts and a network may not have:
/// <script>, <link>, handlers (onclick=...), addresses other than SVG's namespace.
std::vector<std::string> markup_problems(const std::string& markup);

/// The text of each element called `name`, without the tags inside, entities resolved.
std::vector<std::string> texts_of(const std::string& markup, const std::string& name);

}  // namespace linformer
