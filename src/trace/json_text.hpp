#pragma once

#include <string>
#include <string_view>

namespace braid {

/// The text as a JSON string, quotes included. Bytes that are not UTF-8, as in some file names, become
/// U+FFFD. It is written here so that the library needs no JSON library.
/// Source  RFC 8259, 7; RFC 3629, 4.
[[nodiscard]] std::string json_text(std::string_view text);

}  // namespace braid
