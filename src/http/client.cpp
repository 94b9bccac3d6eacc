#include "braid/http/client.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "braid/combine/current_deadline.hpp"
#include "client_pool.hpp"
#include "text.hpp"

namespace braid::http {

namespace {

constexpr const char* deadline_field = "request-timeout-ms";

// Where a response sends the client, if it does.
std::optional<result<url>> redirect_of(const response& given, const url& at) {
  const bool redirects = given.status == 301 || given.status == 302 || given.status == 303 ||
                         given.status == 307 || given.status == 308;
  const auto location = redirects ? given.headers.get("location") : std::nullopt;
  if (!location) return std::nullopt;
  return at.resolve(*location);
}

// Turns the request into the one that follows the redirect. False if that needs a body that is gone.
bool follow(int status, const url& from, const url& to, request& asked, bool body_is_gone) {
  const bool becomes_get = (status == 303 && asked.method != "HEAD") ||
                           ((status == 301 || status == 302) && asked.method == "POST");
  if (becomes_get) {
    asked.method = "GET";
    asked.body = body();
    for (const char* each : {"content-type", "content-encoding", "content-language"})
      asked.headers.remove(each);
  }
  if (!from.same_origin(to))
    for (const char* each : {"authorization", "cookie", "proxy-authorization"}) asked.headers.remove(each);
  return becomes_get || !body_is_gone;
}

}  // namespace

client::client(client_options how) : pool_(std::make_shared<detail::client_pool>(std::move(how))) {}
client::~client() = default;

std::size_t client::idle_connections() const noexcept { return pool_->idle(); }

task<response> client::fetch(request asked) {
  if (!detail::is_token(asked.method))
    invalid_argument_error("http::client::fetch", "the method is no token").rethrow();
  url at = url::parse(asked.target).value();
  for (int followed = 0;; ++followed) {
    const auto end = co_await current_deadline();
    if (end && pool_->options.hands_on_deadlines) {
      const auto left = std::chrono::floor<std::chrono::milliseconds>(*end - loop_clock::now());
      if (left.count() <= 0)
        error(std::error_code(ETIMEDOUT, timeout_category()), "http::client::fetch", at.to_string())
            .rethrow();
      asked.headers.set(deadline_field, std::to_string(left.count()));
    }
    const bool was_streamed = asked.body.whole() == nullptr;
    response given = co_await pool_->exchange(at, asked);
    const auto next = redirect_of(given, at);
    if (!next || pool_->options.redirects <= 0) co_return given;
    if (followed == pool_->options.redirects)
      error(std::make_error_code(std::errc::too_many_symbolic_link_levels), "http::client::fetch",
            at.to_string())
          .rethrow();
    const bool is_gone = was_streamed && asked.body.whole() != nullptr;
    if (!follow(given.status, at, next->value(), asked, is_gone)) co_return given;
    // What is left of the redirect's own body: a little of it is read, so that the connection can be kept.
    auto rest = given.body.size();
    while (rest && *rest != 0 && *rest <= 4096) {
      (void)co_await given.body.next();
      rest = given.body.size();
    }
    at = next->value();
  }
}

task<response> fetch(request asked) { return fetch(std::move(asked), client_options()); }

task<response> fetch(request asked, client_options how) {
  how.idle_connections = 0;
  client one(std::move(how));
  response given = co_await one.fetch(std::move(asked));
  co_return given;
}

}  // namespace braid::http
