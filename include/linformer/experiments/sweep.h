#pragma once

#include <map>
#include <string>
#include <vector>

#include "linformer/config/fields.h"

namespace linformer {

/// How the axes of a sweep name keys.
struct SweepKeys {
  std::map<std::string, std::string> short_names;  ///< "batch": "training.global_batch_size"
  FieldList fields;                                ///< of the configuration
  std::string example;                             ///< a whole key, for messages
};

/// Values to try of one key: "learning_rate=1e-5,2e-5". A key is a short name, or written as in
/// --set.
struct SweepAxis {
  std::string key;
  std::vector<std::string> values;

  /// The --set argument of one value.
  std::string assignment(const std::string& value) const;
};

/// The axes that these arguments of --sweep name. Throws UsageError.
std::vector<SweepAxis> parse_sweep(const std::vector<std::string>& axes, const SweepKeys& keys);

/// Every combination of the axes' values, as --set arguments; one without arguments for no axis.
std::vector<std::vector<std::string>> combinations(const std::vector<SweepAxis>& sweep);

/// Throws UsageError if two combinations are the same run, such as those of "1e-3,0.001".
/// `settings` has settings_text() of each combination's configuration.
void check_distinct(const std::vector<std::vector<std::string>>& combinations,
                    const std::vector<std::string>& settings);

/// What a combination is called: "learning_rate=1e-5,batch=16", also as a folder.
std::string setting_folder(const std::vector<std::string>& overrides);

}  // namespace linformer
