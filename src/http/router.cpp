#include "braid/http/router.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include "text.hpp"

namespace braid::http {

namespace {

constexpr int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = detail::lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// The decoded segments of "/a/b"; nothing for a path that may name something else than it shows.
std::optional<std::vector<std::string>> split(std::string_view path) {
  if (path.empty() || path.front() != '/') return std::nullopt;
  std::vector<std::string> segments;
  if (path == "/") return segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t slash = std::min(path.find('/'), path.size());
    auto decoded = percent_decoded(path.substr(0, slash));
    if (!decoded || decoded->empty() || *decoded == "." || *decoded == "..") return std::nullopt;
    segments.push_back(*std::move(decoded));
    path.remove_prefix(slash);
  }
  return segments;
}

response only(std::string allowed, int status) {
  response refused(status);
  refused.headers.add("allow", allowed);
  return refused;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char byte = text[i];
    if (byte == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = digit_of(text[i + 1]), low = digit_of(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      byte = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (byte == '\0') return std::nullopt;
    decoded += byte;
  }
  return decoded;
}

std::vector<router::segment> router::segments_of(std::string_view pattern) {
  const auto malformed = [&](const char* why) {
    throw std::invalid_argument("http::router: pattern " + std::string(pattern) + ": " + why);
  };
  if (pattern.empty() || pattern.front() != '/') malformed("it must begin with a slash");
  std::vector<segment> segments;
  if (pattern == "/") return segments;
  for (std::string_view left = pattern; !left.empty();) {
    left.remove_prefix(1);
    const std::string_view text = left.substr(0, left.find('/'));
    left.remove_prefix(text.size());
    if (text.empty() || text == "." || text == "..") malformed("a segment is empty, \".\" or \"..\"");
    const bool is_parameter = text.size() > 2 && text.front() == '{' && text.back() == '}';
    const std::string_view name = is_parameter ? text.substr(1, text.size() - 2) : text;
    if (name.find_first_of("{}") != std::string_view::npos)
      malformed("a parameter is a whole segment, {name}");
    const segment made{std::string(name), is_parameter};
    if (is_parameter && std::find(segments.begin(), segments.end(), made) != segments.end())
      malformed("two parameters have one name");
    segments.push_back(made);
  }
  return segments;
}

void router::add(std::string method, std::string_view pattern, handler answer) {
  if (!detail::is_token(method)) throw std::invalid_argument("http::router: a method is no token");
  if (!answer) throw std::invalid_argument("http::router: the handler is empty");
  std::vector<segment> segments = segments_of(pattern);
  const auto same = [&](const route& each) {
    return std::equal(each.segments.begin(), each.segments.end(), segments.begin(), segments.end(),
                      [](const segment& one, const segment& other) {
                        return one.is_parameter == other.is_parameter &&
                               (one.is_parameter || one.text == other.text);
                      });
  };
  auto found = std::find_if(routes_.begin(), routes_.end(), same);
  if (found == routes_.end()) {
    // Of two that fit one path, the one with a fixed segment where they first differ comes first.
    const auto goes_before = [](const route& one, const std::vector<segment>& other) {
      return std::lexicographical_compare(
          one.segments.begin(), one.segments.end(), other.begin(), other.end(),
          [](const segment& left, const segment& right) { return left.is_parameter < right.is_parameter; });
    };
    const auto place = std::lower_bound(routes_.begin(), routes_.end(), segments, goes_before);
    found = routes_.insert(place, {std::move(segments), {}});
  } else if (found->segments != segments) {
    throw std::invalid_argument("http::router: pattern " + std::string(pattern) +
                                ": another one has other names for its parameters");
  }
  for (const way& each : found->ways)
    if (each.method == method)
      throw std::invalid_argument("http::router: " + method + " " + std::string(pattern) +
                                  " is there already");
  found->ways.push_back({std::move(method), std::make_unique<handler>(std::move(answer))});
}

router::route* router::find(const std::vector<std::string>& path) noexcept {
  const auto fits = [&](const route& each) {
    return std::equal(
        each.segments.begin(), each.segments.end(), path.begin(), path.end(),
        [](const segment& one, const std::string& text) { return one.is_parameter || one.text == text; });
  };
  const auto found = std::find_if(routes_.begin(), routes_.end(), fits);
  return found == routes_.end() ? nullptr : &*found;
}

task<response> router::operator()(request& asked) {
  auto path = split(asked.path());
  route* const chosen = path ? find(*path) : nullptr;
  if (chosen == nullptr) co_return response(404);
  asked.parameters.clear();
  for (std::size_t i = 0; i < path->size(); ++i)
    if (chosen->segments[i].is_parameter)
      asked.parameters.emplace_back(chosen->segments[i].text, std::move((*path)[i]));
  handler* answer = nullptr;
  handler* of_get = nullptr;
  std::string allowed;
  for (const way& each : chosen->ways) {
    if (each.method == asked.method) answer = each.answer.get();
    if (each.method == "GET") of_get = each.answer.get();
    allowed += each.method + ", ";
  }
  if (of_get != nullptr && allowed.find("HEAD, ") == std::string::npos) allowed += "HEAD, ";
  if (answer == nullptr && asked.method == "HEAD") answer = of_get;
  if (answer == nullptr) {
    const bool asks_what = asked.method == "OPTIONS";
    co_return only(allowed + "OPTIONS", asks_what ? 204 : 405);
  }
  response given = co_await (*answer)(asked);
  co_return given;
}

}  // namespace braid::http
