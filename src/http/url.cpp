#include "braid/http/url.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "text.hpp"

namespace braid::http {

namespace {

using detail::is_digit;
using detail::is_letter;

error malformed(std::string_view text, const char* why) {
  std::string shown(text.substr(0, 200));
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 0x20) c = '?';
  return error(std::make_error_code(std::errc::invalid_argument), "http::url", shown + " (" + why + ")");
}

bool is_visible(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f;
  });
}

std::uint16_t port_of(std::string_view scheme) noexcept { return scheme == "https" ? 443 : 80; }

bool is_name(std::string_view host) noexcept {
  return std::all_of(host.begin(), host.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
  });
}
bool is_address(std::string_view host) noexcept {
  return std::all_of(host.begin(), host.end(), [](char c) {
    return is_digit(c) || (detail::lower(c) >= 'a' && detail::lower(c) <= 'f') || c == ':' || c == '.';
  });
}

// Splits "host", "host:80" or "[::1]:80".
const char* read_authority(std::string_view text, url& to) {
  std::string_view host, port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return "a bracket is not closed";
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!is_address(host)) return "the address is malformed";
  } else {
    host = text.substr(0, text.find(':'));
    port = text.substr(host.size());
    if (!is_name(host)) return "the host has a character that no name has";
  }
  if (host.empty()) return "it has no host";
  to.host.clear();
  for (const char c : host) to.host += detail::lower(c);
  to.port = port_of(to.scheme);
  if (port.empty() || port == ":") return nullptr;
  if (port.front() != ':') return "the host is malformed";
  port.remove_prefix(1);
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), to.port);
  const bool right = failed == std::errc() && end == port.data() + port.size() && to.port != 0;
  return right ? nullptr : "the port is none";
}

// A path without its "." and "..", by RFC 3986, section 5.2.4.
std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    const bool is_last = path.empty();
    if (segment == "..") out.resize(out.empty() ? 0 : out.rfind('/'));
    if (segment == "." || segment == "..") {
      if (is_last) out += '/';
      continue;
    }
    out += '/';
    out += segment;
  }
  return out.empty() ? "/" : out;
}

}  // namespace

result<url> url::parse(std::string_view text) {
  if (!is_visible(text)) return malformed(text, "it has a blank, a control character or a byte beyond ASCII");
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return malformed(text, "it has no scheme");
  url made;
  made.scheme.clear();
  for (const char c : text.substr(0, colon)) made.scheme += detail::lower(c);
  if (made.scheme != "http" && made.scheme != "https")
    return malformed(text, "the scheme is not http or https");
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?\\"));
  if (authority.find('@') != std::string_view::npos) return malformed(text, "it has a user's name");
  if (const char* const why = read_authority(authority, made)) return malformed(text, why);
  rest.remove_prefix(authority.size());
  if (rest.starts_with('\\')) return malformed(text, "a backslash is no slash");
  made.target = rest.starts_with('/') ? "" : "/";
  made.target += rest;
  return made;
}

result<url> url::resolve(std::string_view reference) const {
  if (const std::size_t mark = reference.find_first_of(":/?#");
      mark != std::string_view::npos && mark != 0 && reference[mark] == ':')
    return parse(reference);
  if (!is_visible(reference)) return malformed(reference, "it has a blank or a control character");
  if (reference.starts_with("//")) return parse(scheme + ":" + std::string(reference));
  reference = reference.substr(0, reference.find('#'));
  url made = *this;
  if (reference.empty()) return made;
  const std::string_view own_path = std::string_view(target).substr(0, target.find('?'));
  const std::string_view path = reference.substr(0, reference.find('?'));
  const std::string query(reference.substr(path.size()));
  std::string whole;
  if (path.empty())
    whole = own_path;
  else if (path.front() == '/')
    whole = without_dots(path);
  else
    whole = without_dots(std::string(own_path.substr(0, own_path.rfind('/') + 1)) + std::string(path));
  made.target = whole + query;
  return made;
}

std::string url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != port_of(scheme)) text += ":" + std::to_string(port);
  return text;
}

std::string url::to_string() const { return scheme + "://" + authority() + target; }

}  // namespace braid::http
