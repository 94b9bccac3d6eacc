#include "braid/http/headers.hpp"

#include <algorithm>
#include <stdexcept>

#include "text.hpp"

namespace braid::http {

using detail::same_word;

void headers::add(std::string_view name, std::string_view value) {
  value = detail::trimmed(value);
  if (!detail::is_token(name)) throw std::invalid_argument("http::headers: a name is no token");
  if (!detail::is_field_value(value))
    throw std::invalid_argument("http::headers: the value of " + std::string(name) +
                                " has a control character");
  const std::size_t size = text_.size() + name.size() + value.size();
  if (size > UINT32_MAX) throw std::length_error("http::headers");
  const auto at = static_cast<std::uint32_t>(text_.size());
  const auto name_size = static_cast<std::uint32_t>(name.size());
  std::string larger;  // the name and the value may be views into text_
  if (size > text_.capacity()) {
    larger.reserve(std::max(size, 2 * text_.capacity()));
    larger.append(text_).append(name).append(value);
  }
  entries_.push_back({at, name_size, at + name_size, static_cast<std::uint32_t>(value.size())});
  if (larger.empty())
    text_.append(name).append(value);
  else
    text_.swap(larger);
}

void headers::set(std::string_view name, std::string_view value) {
  const std::string kept(name);  // may be a view into this
  const std::string kept_value(value);
  headers changed;
  for (const field& each : *this)
    if (!same_word(each.name, kept)) changed.add(each.name, each.value);
  changed.add(kept, kept_value);
  *this = std::move(changed);
}

void headers::remove(std::string_view name) noexcept {
  const auto is_named = [&](const entry& at) {
    return same_word({text_.data() + at.name, at.name_size}, name);
  };
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(), is_named), entries_.end());
}

void headers::clear() noexcept {
  text_.clear();
  entries_.clear();
}

std::optional<std::string_view> headers::get(std::string_view name) const noexcept {
  for (const field& each : *this)
    if (same_word(each.name, name)) return each.value;
  return std::nullopt;
}

std::size_t headers::count(std::string_view name) const noexcept {
  std::size_t found = 0;
  for (const field& each : *this) found += same_word(each.name, name) ? 1 : 0;
  return found;
}

bool headers::lists(std::string_view name, std::string_view word) const noexcept {
  for (const field& each : *this) {
    if (!same_word(each.name, name)) continue;
    std::string_view left = each.value;
    while (!left.empty()) {
      const std::size_t comma = std::min(left.find(','), left.size());
      if (same_word(detail::trimmed(left.substr(0, comma)), word)) return true;
      left.remove_prefix(std::min(comma + 1, left.size()));
    }
  }
  return false;
}

}  // namespace braid::http
