#include "braid/core/async_stack.hpp"

#include <array>
#include <cstddef>

namespace braid {

void attach_stack(error& failure, const async_frame* innermost) {
  if (!failure.stack().empty()) return;
  std::array<std::source_location, 64> awaits;
  std::size_t count = 0;
  for (const async_frame* level = innermost; level != nullptr && count < awaits.size(); level = level->parent)
    awaits[count++] = level->where;
  failure.set_stack({awaits.data(), count});
}

std::string format_stack(const error& failure) {
  std::string text;
  for (const std::source_location& where : failure.stack()) {
    text += "  at ";
    text += where.function_name();
    text += " (";
    text += where.file_name();
    text += ":";
    text += std::to_string(where.line());
    text += ")\n";
  }
  return text;
}

}  // namespace braid
