#include "braid/http/request.hpp"

#include <algorithm>

namespace braid::http {

std::string_view request::path() const noexcept {
  std::string_view whole(target);
  const std::size_t host = whole.starts_with('/') ? whole.npos : whole.find("://");
  if (host != whole.npos) {  // a whole URL, which a server gets as well
    whole.remove_prefix(std::min(whole.find_first_of("/?", host + 3), whole.size()));
    if (!whole.starts_with('/')) return "/";
  }
  return whole.substr(0, whole.find('?'));
}

std::string_view request::query() const noexcept {
  const std::string_view whole(target);
  const std::size_t mark = whole.find('?');
  return mark == std::string_view::npos ? std::string_view() : whole.substr(mark + 1);
}

std::string_view request::parameter(std::string_view name) const noexcept {
  for (const auto& [known, value] : parameters)
    if (known == name) return value;
  return {};
}

}  // namespace braid::http
