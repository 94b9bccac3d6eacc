#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "braid/base/unique_function.hpp"
#include "braid/http/request.hpp"
#include "braid/style/task.hpp"

namespace braid::http {

/// Answers a request. The request stays until the response has been sent.
///
///     http::handler hello = [](http::request&) -> task<http::response> {
///       co_return http::response(200, "hello");
///     };
using handler = unique_function<task<response>(request&)>;

/// A handler that chooses another one by method and path.
///
///     task<http::response> show_job(http::request& asked) {
///       co_return http::response(200, "job " + std::string(asked.parameter("id")));
///     }
///     task<http::response> add_job(http::request& asked) {
///       log(co_await asked.body.text(1 << 20));
///       co_return http::response(201);
///     }
///
///     http::router routes;
///     routes.get("/jobs/{id}", show_job);
///     routes.post("/jobs", add_job);
///
/// A pattern is made of segments; {name} stands for any one of them that is not empty. Between patterns that
/// fit, the one with a fixed segment earlier wins. A request is split at its slashes before each segment is
/// decoded, so that %2F is no slash; empty, "." and ".." segments, decoded or not, fit no pattern. A path
/// that no pattern fits is 404, and one that has no handler for the method is 405 with Allow; HEAD is
/// answered by the handler of GET, and OPTIONS by Allow.
///
/// Errors  add and its kin throw std::invalid_argument for a pattern that is malformed or there already.
class router {
 public:
  void add(std::string method, std::string_view pattern, handler answer);
  void get(std::string_view pattern, handler answer) { add("GET", pattern, std::move(answer)); }
  void post(std::string_view pattern, handler answer) { add("POST", pattern, std::move(answer)); }
  void put(std::string_view pattern, handler answer) { add("PUT", pattern, std::move(answer)); }
  void patch(std::string_view pattern, handler answer) { add("PATCH", pattern, std::move(answer)); }
  void erase(std::string_view pattern, handler answer) { add("DELETE", pattern, std::move(answer)); }

  [[nodiscard]] task<response> operator()(request& asked);

 private:
  struct segment {
    std::string text;  // or a parameter's name
    bool is_parameter;
    friend bool operator==(const segment&, const segment&) = default;
  };
  struct way {
    std::string method;
    std::unique_ptr<handler> answer;  // stays at its place
  };
  struct route {
    std::vector<segment> segments;
    std::vector<way> ways;
  };
  static std::vector<segment> segments_of(std::string_view pattern);
  [[nodiscard]] route* find(const std::vector<std::string>& path) noexcept;

  std::vector<route> routes_;
};

/// The bytes that %41 and its like stand for; nothing if the text has a "%" without two digits, or a zero
/// byte.
///
///     log(http::percent_decoded("a%20b").value_or("malformed"));  // "a b"
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace braid::http
