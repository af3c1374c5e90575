#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class Validator;
}

namespace linformer {

// Checks of option values. Each describes itself in --help, in completion scripts and in manual
// pages, and its message says what is allowed ("--steps: 0 is not 1 or more").

/// A whole number of 64 bits. CLI11 takes the largest one for numbers above it. run_program() adds
/// this to every option that takes a whole number.
CLI::Validator fits_an_integer();
/// A number of at least `least`.
CLI::Validator takes_at_least(int64_t least);
/// 0, or a number of at least `least`.
CLI::Validator takes_zero_or_at_least(int64_t least);
/// A number above 0, also a fraction.
CLI::Validator takes_above_zero();
/// A number of `least` to `most`.
CLI::Validator takes_between(double least, double most);
/// One of these names; a message suggests the nearest.
CLI::Validator takes_one_of(std::vector<std::string> names);

/// The same for the names of an enumeration of the configuration.
CLI::Validator takes_one_of_names(std::span<const std::string_view> names);

/// Names that help and completion offer. Others are taken too, and judged where they are used.
CLI::Validator offers(std::vector<std::string> names);

}  // namespace linformer
