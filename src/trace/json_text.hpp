#pragma once

#include <string>
#include <string_view>

namespace braid {

/// The text as a JSON string, quotes included. What is no UTF-8, as the name of a file may be, becomes
/// U+FFFD. Ours, for this is all of JSON that the library writes: it needs liburing and Boost.Context alone.
/// Source  RFC 8259, 7; RFC 3629, 4.
[[nodiscard]] std::string json_text(std::string_view text);

}  // namespace braid
