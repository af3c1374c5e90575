#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "linformer/config/one_or_many.h"
#include "linformer/config/ranges.h"

namespace linformer {

/// Names of an enum class in configuration files. Specialise it beside the enum with
/// `static constexpr std::array<std::string_view, N> kNames`, in the order of the enumerators,
/// which count from 0.
template <class E>
struct EnumNames;

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires {
  EnumNames<E>::kNames;
};

/// The name of an enumerator in configuration files, e.g. "key_value".
template <NamedEnum E>
constexpr std::string_view name_of(E value) {
  return EnumNames<E>::kNames[static_cast<size_t>(value)];
}

/// The enumerator of this name, if there is one.
template <NamedEnum E>
constexpr std::optional<E> enum_of(std::string_view name) {
  for (size_t i = 0; i < EnumNames<E>::kNames.size(); ++i) {
    if (EnumNames<E>::kNames[i] == name) return static_cast<E>(i);
  }
  return std::nullopt;
}

struct Field;
using FieldList = std::vector<Field>;

/// A value that may be absent; `unset_word` (null, auto) stands for "absent" in the file.
template <class T>
struct OptionalTarget {
  std::optional<T>* value;
  std::string unset_word;
};

/// Access to an enum by the index of its name.
struct EnumTarget {
  std::span<const std::string_view> names;
  std::function<size_t()> get;
  std::function<void(size_t)> set;
};

/// Access to an enum, or a list of them, by the indices of their names.
struct EnumListTarget {
  std::span<const std::string_view> names;
  std::function<std::vector<size_t>()> get;
  std::function<void(const std::vector<size_t>&)> set;
};

/// Where a field's value lives. Pointers go into the config that fields_of() was given.
using FieldTarget =
    std::variant<bool*, int64_t*, double*, std::string*, std::vector<std::string>*,
                 std::vector<double>*, OptionalTarget<int64_t>, OptionalTarget<double>,
                 NestedNumbers*, EnumTarget, EnumListTarget, FieldList>;

/// One declared field of a config struct with its type erased, so that YAML, JSON, help and dump
/// are ordinary functions in source files.
struct Field {
  std::string name;
  std::string help;
  FieldTarget target;
  Range range;
};

template <class C>
FieldList fields_of(C& config);

namespace detail {

template <class T>
struct ListedEnum : std::false_type {};
template <NamedEnum E>
struct ListedEnum<OneOrMany<E>> : std::true_type {
  static EnumListTarget target_of(OneOrMany<E>& value) {
    const auto get = [&value] {
      std::vector<size_t> indices;
      for (const E item : value.values()) indices.push_back(static_cast<size_t>(item));
      return indices;
    };
    const auto set = [&value](const std::vector<size_t>& indices) {
      std::vector<E> items;
      for (const size_t index : indices) items.push_back(static_cast<E>(index));
      value = OneOrMany<E>(std::move(items));
    };
    return {EnumNames<E>::kNames, get, set};
  }
};

template <class T>
FieldTarget target_of(T& value, const char* unset_word) {
  if constexpr (NamedEnum<T>) {
    return EnumTarget{EnumNames<T>::kNames, [&value] { return static_cast<size_t>(value); },
                      [&value](size_t index) { value = static_cast<T>(index); }};
  } else if constexpr (ListedEnum<T>::value) {
    return ListedEnum<T>::target_of(value);
  } else if constexpr (std::same_as<T, std::optional<int64_t>>) {
    return OptionalTarget<int64_t>{&value, unset_word};
  } else if constexpr (std::same_as<T, std::optional<double>>) {
    return OptionalTarget<double>{&value, unset_word};
  } else if constexpr (std::is_constructible_v<FieldTarget, T*>) {
    return FieldTarget(std::in_place_type<T*>, &value);
  } else {
    return fields_of(value);
  }
}

template <class T>
concept WholeNumbers = std::same_as<T, int64_t> || std::same_as<T, std::optional<int64_t>>;
template <class T>
concept Numbers = std::same_as<T, double> || std::same_as<T, std::optional<double>> ||
    std::same_as<T, std::vector<double>>;

struct FieldCollector {
  FieldList& fields;

  template <class T>
  void operator()(const char* name, T& value, const char* help,
                  const char* unset_word = "null") const {
    fields.push_back(Field{name, help, target_of(value, unset_word), {}});
  }
  template <WholeNumbers T>
  void operator()(const char* name, T& value, const char* help, const WholeRange& range,
                  const char* unset_word = "null") const {
    fields.push_back(Field{name, help, target_of(value, unset_word), range});
  }
  template <Numbers T>
  void operator()(const char* name, T& value, const char* help, const NumberRange& range,
                  const char* unset_word = "null") const {
    fields.push_back(Field{name, help, target_of(value, unset_word), range});
  }
};

}  // namespace detail

/// The fields of `config` in the order of its visit_fields(). A config struct declares each field
/// once; YAML, `--set`, help, the dump, the check of ranges and the refusal of unknown keys follow
/// from that list:
///
///   template <class Self, class Visitor>
///   static void visit_fields(Self& config, Visitor&& field) {
///     field("type", config.type, "the schedule");
///     field("warmup_steps", config.warmup_steps, "steps of warm-up", between(0, kLargestStep));
///     field("dropout", config.dropout, "dropout", share(), "auto");  // auto = absent
///   }
///
/// Types: bool, int64_t, double, std::string, vectors of std::string or double, std::optional of
/// int64_t or double, enums with EnumNames, OneOrMany of them, NestedNumbers, and structs that have
/// visit_fields themselves. Numbers have a range (ranges.h); each item of a vector is in it.
template <class C>
FieldList fields_of(C& config) {
  FieldList fields;
  C::visit_fields(config, detail::FieldCollector{fields});
  return fields;
}

}  // namespace linformer
