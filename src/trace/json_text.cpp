#include "json_text.hpp"

#include <cstdio>

namespace braid {

namespace {

// The length of the UTF-8 sequence at the start of text; 0 if there is no valid one.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
  const auto within = [&](std::size_t i, int least, int most) { return byte(i) >= least && byte(i) <= most; };
  const auto continues = [&](std::size_t i) { return within(i, 0x80, 0xBF); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (within(0, 0xC2, 0xDF)) return continues(1) ? 2 : 0;
  if (within(0, 0xE0, 0xEF)) {
    const int least = first == 0xE0 ? 0xA0 : 0x80, most = first == 0xED ? 0x9F : 0xBF;
    return within(1, least, most) && continues(2) ? 3 : 0;
  }
  if (within(0, 0xF0, 0xF4)) {
    const int least = first == 0xF0 ? 0x90 : 0x80, most = first == 0xF4 ? 0x8F : 0xBF;
    return within(1, least, most) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string json_text(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const auto first = static_cast<unsigned char>(text.front());
    if (length == 0) {
      out += "\\ufffd";
    } else if (first == '"' || first == '\\') {
      out += {'\\', text.front()};
    } else if (first < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", first);
      out += escaped;
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out += '"';
}

}  // namespace braid
