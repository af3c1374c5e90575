#include "fuzz/mutator.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <string_view>

namespace linformer {

namespace {

constexpr std::array<std::string_view, 36> kWords{"[",
                                                  "]",
                                                  "{",
                                                  "}",
                                                  "[[[[[[[[[[[[[[[[",
                                                  "{\"a\":{\"a\":{\"a\":",
                                                  "\"",
                                                  "\\",
                                                  ",",
                                                  ":",
                                                  "\t",
                                                  "\n",
                                                  "\r\n",
                                                  "null",
                                                  "true",
                                                  "NaN",
                                                  "1e999",
                                                  "-1",
                                                  "0",
                                                  "1.5",
                                                  "\\ud8",
                                                  "\\u0000",
                                                  "\xEF\xBB\xBF",
                                                  "\xFF",
                                                  "\xC3",
                                                  "'",
                                                  "&a ",
                                                  "*a",
                                                  "- ",
                                                  "? ",
                                                  "<<: ",
                                                  "!!",
                                                  "|\n",
                                                  "<mask>",
                                                  "</s>",
                                                  "\xE2\x96\x81"};

constexpr std::array<std::string_view, 12> kNumbers{"0",
                                                    "-1",
                                                    "1",
                                                    "127",
                                                    "65536",
                                                    "2147483648",
                                                    "4294967295",
                                                    "9223372036854775807",
                                                    "9223372036854775808",
                                                    "18446744073709551516",
                                                    "1e39",
                                                    "-1e999"};

constexpr std::array<uint64_t, 10> kEdges{0,
                                          1,
                                          0x7F,
                                          0xFF,
                                          0xFFFF,
                                          0x7FFF'FFFF,
                                          0xFFFF'FFFF,
                                          0x1'0000'0000,
                                          0x7FFF'FFFF'FFFF'FFFF,
                                          0xFFFF'FFFF'FFFF'FFFF};

constexpr uint64_t kMostChanges = 6;

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

}  // namespace

std::string Mutator::next(const std::vector<std::string>& inputs) {
  std::string bytes = inputs.empty() ? "" : inputs[random_.below(inputs.size())];
  const uint64_t changes = 1 + random_.below(kMostChanges);
  for (uint64_t i = 0; i < changes; ++i) change(bytes, inputs);
  if (bytes.size() > kMostBytes) bytes.resize(kMostBytes);
  return bytes;
}

size_t Mutator::place_in(const std::string& bytes) {
  return random_.below(bytes.size() + 1);
}

size_t Mutator::length_at(const std::string& bytes, size_t place) {
  const size_t most = std::min(bytes.size() - place, size_t{1} << random_.below(10));
  return most == 0 ? 0 : 1 + random_.below(most);
}

void Mutator::change(std::string& bytes, const std::vector<std::string>& inputs) {
  const size_t place = place_in(bytes);
  switch (random_.below(10)) {
    case 0:
      if (place < bytes.size()) bytes[place] ^= static_cast<char>(1U << random_.below(8));
      break;
    case 1:
      if (place < bytes.size()) bytes[place] = static_cast<char>(random_.below(256));
      break;
    case 2:
      bytes.erase(place, length_at(bytes, place));
      break;
    case 3: {  // a piece, repeated
      const std::string piece = bytes.substr(place, length_at(bytes, place));
      const uint64_t times = 1 + random_.below(random_.below(8) == 0 ? 200 : 3);
      for (uint64_t i = 0; i < times && bytes.size() < kMostBytes; ++i) bytes.insert(place, piece);
      break;
    }
    case 4: {  // a piece of another input, put in or written over
      const std::string& other = inputs[random_.below(inputs.size())];
      const size_t from = place_in(other);
      const std::string piece = other.substr(from, length_at(other, from));
      bytes.replace(place, coin() ? 0 : std::min(piece.size(), bytes.size() - place), piece);
      break;
    }
    case 5:
      bytes.insert(place, kWords[random_.below(kWords.size())]);
      break;
    case 6:
      replace_number(bytes);
      break;
    case 7: {  // a number at an edge, of 1, 2, 4 or 8 bytes
      const uint64_t value = kEdges[random_.below(kEdges.size())];
      const size_t size = size_t{1} << random_.below(4);
      if (place + size <= bytes.size()) std::memcpy(bytes.data() + place, &value, size);
      break;
    }
    case 8:
      if (random_.below(4) == 0) bytes.resize(place);
      break;
    default:
      if (place < bytes.size()) {
        bytes[place] = static_cast<char>(bytes[place] + (coin() ? 1 : -1));
      }
  }
}

void Mutator::replace_number(std::string& bytes) {
  size_t begin = place_in(bytes);
  while (begin < bytes.size() && !is_digit(bytes[begin])) ++begin;
  size_t end = begin;
  while (end < bytes.size() && is_digit(bytes[end])) ++end;
  if (begin < end) bytes.replace(begin, end - begin, kNumbers[random_.below(kNumbers.size())]);
}

}  // namespace linformer
