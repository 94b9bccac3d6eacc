#include "braid/core/async_stack.hpp"

#include <array>
#include <cstddef>
#include <string_view>

namespace braid {

namespace {

// Where the parenthesis that ends text was opened.
std::size_t opening_of_last(std::string_view text) {
  int depth = 0;
  for (std::size_t i = text.size(); i-- > 0;) {
    if (text[i] == ')') ++depth;
    if (text[i] == '(' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

// The name of a function as its author wrote it. In a coroutine g++ tells the name of what it made of the
// body: "void f(f(int)::_Z1fi.Frame*)", where "f" was written.
std::string_view written_name(std::string_view name) {
  const std::size_t mangled = name.rfind("::_Z");
  if (!name.ends_with(".Frame*)") || mangled == std::string_view::npos) return name;
  const std::size_t frame = opening_of_last(name);
  const std::size_t result = std::string_view("void ").size();
  if (frame == std::string_view::npos || frame < result) return name;
  return name.substr(result, frame - result);
}

void format_into(std::string& text, const error& failure, const std::string& indent) {
  for (const std::source_location& where : failure.stack()) {
    text += indent + "  at ";
    text += written_name(where.function_name());
    text += " (";
    text += where.file_name();
    text += ":";
    text += std::to_string(where.line());
    text += ")\n";
  }
  for (const error& other : failure.suppressed()) {
    text += indent + "  suppressed: " + other.message() + "\n";
    format_into(text, other, indent + "  ");
  }
}

}  // namespace

void attach_stack(error& failure, const async_frame* innermost) {
  if (!failure.stack().empty()) return;
  std::array<std::source_location, 64> awaits;
  std::size_t count = 0;
  for (const async_frame* level = innermost; level != nullptr && count < awaits.size(); level = level->parent)
    if (level->where.line() != 0) awaits[count++] = level->where;
  failure.set_stack({awaits.data(), count});
}

std::string format_stack(const error& failure) {
  std::string text;
  format_into(text, failure, "");
  return text;
}

}  // namespace braid
