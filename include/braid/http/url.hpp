#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "braid/base/result.hpp"

namespace braid::http {

/// An http or https URL in its parts.
///
///     const result<http::url> found = http::url::parse("http://example.org:8080/jobs?id=7#top");
///     if (found) log(found->host + found->target);  // "example.org/jobs?id=7"
///
/// Errors  std::errc::invalid_argument for everything else: another scheme, a user's name, a blank, a control
///         character, a byte that is not ASCII, a port that is none.
/// Source  RFC 3986.
class url {
 public:
  [[nodiscard]] static result<url> parse(std::string_view text);
  /// What a reference means that was found at this URL, as in a redirect: "/other", "next?page=2", "//host/",
  /// or a whole URL.
  [[nodiscard]] result<url> resolve(std::string_view reference) const;

  /// The host and, unless it is the scheme's, the port, as the field Host has them.
  [[nodiscard]] std::string authority() const;
  [[nodiscard]] std::string to_string() const;
  /// Equal scheme, host and port.
  [[nodiscard]] bool same_origin(const url& other) const noexcept {
    return scheme == other.scheme && host == other.host && port == other.port;
  }

  std::string scheme = "http";  ///< or "https"
  std::string host;  ///< in small letters; an IPv6 address without its brackets
  std::uint16_t port = 80;
  std::string target = "/";  ///< the path and the query, not decoded; without the fragment
};

}  // namespace braid::http
