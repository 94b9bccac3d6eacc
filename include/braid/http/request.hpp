#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/http/body.hpp"
#include "braid/http/headers.hpp"
#include "braid/net/endpoint.hpp"

namespace braid::http {

/// A request: what a handler gets, and what a client sends.
///
///     task<http::response> show(http::request& asked) {
///       log(asked.method + " " + std::string(asked.path()));
///       co_return http::response(200, "job " + std::string(asked.parameter("id")));
///     }
///
/// Lifetime  a value. A handler's belongs to its connection, which uses it again for the next request.
class request {
 public:
  request() = default;
  /// The target is a path with its query, or for a client a whole URL.
  request(std::string its_method, std::string its_target, http::body its_body = {})
      : method(std::move(its_method)), target(std::move(its_target)), body(std::move(its_body)) {}

  std::string method = "GET";
  std::string target = "/";  ///< as it is sent: the path is not decoded
  http::headers headers;
  http::body body;
  /// The two parts of a target, around its "?", also of a target that is a whole URL. They are not decoded.
  [[nodiscard]] std::string_view path() const noexcept;
  [[nodiscard]] std::string_view query() const noexcept;
  /// The decoded part of the path that a router's pattern has named, or empty.
  [[nodiscard]] std::string_view parameter(std::string_view name) const noexcept;

  std::vector<std::pair<std::string, std::string>> parameters;  ///< of a router's pattern, in its order
  std::optional<endpoint> peer;  ///< the client, where the connection knows it
  bool is_http_1_0 = false;
};

/// A response: what a handler returns, and what a client gets.
///
///     http::response page(200, "<p>hello</p>", "text/html");
///     page.headers.add("cache-control", "no-store");
///
/// The connection writes Content-Length, Transfer-Encoding and Date itself: fields of these names are left
/// out. A field "Connection: close" ends the connection behind the response.
class response {
 public:
  explicit response(int its_status = 200) : status(its_status) {}
  response(int its_status, http::body its_body, std::string_view content_type = "text/plain; charset=utf-8")
      : status(its_status), headers{{"content-type", content_type}}, body(std::move(its_body)) {}

  int status = 200;  ///< from 200 to 599
  http::headers headers;
  http::body body;
};

}  // namespace braid::http
