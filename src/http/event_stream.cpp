#include "braid/http/event_stream.hpp"

#include <algorithm>
#include <string_view>

#include "braid/base/error.hpp"
#include "braid/combine/merge.hpp"
#include "braid/schedule/sleep.hpp"

namespace braid::http::detail {

namespace {

void append_field(std::string& to, std::string_view name, std::string_view value) {
  if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
    invalid_argument_error("http::event_stream", "a name or an id has a line end or a zero byte").rethrow();
  to.append(name).append(": ").append(value).append("\n");
}

async_generator<std::string> beats(loop_clock::duration heartbeat) {
  for (;;) {
    co_await sleep_for(heartbeat);
    co_yield ":\n\n";
  }
}

async_generator<std::string> merged(async_generator<std::string> texts, loop_clock::duration heartbeat) {
  auto both = merge(std::move(texts), beats(heartbeat));
  for (;;) {
    std::optional<std::string> piece = co_await both.next();
    if (!piece || piece->empty()) break;
    co_yield *std::move(piece);
  }
  co_await both.close();
}

}  // namespace

std::string text_of(const event& one) {
  std::string text;
  if (!one.id.empty()) append_field(text, "id", one.id);
  if (!one.name.empty()) append_field(text, "event", one.name);
  if (one.retry) append_field(text, "retry", std::to_string(one.retry->count()));
  std::string_view left = one.data;
  for (bool more = true; more;) {
    const std::size_t end = std::min(left.find_first_of("\r\n"), left.size());
    text.append("data: ").append(left.substr(0, end)).append("\n");
    more = end != left.size();
    left.remove_prefix(end);
    if (more) left.remove_prefix(left.starts_with("\r\n") ? 2 : 1);
  }
  return text += "\n";
}

response events_of(async_generator<std::string> texts, loop_clock::duration heartbeat) {
  response given(200, body::from(merged(std::move(texts), heartbeat)), "text/event-stream");
  given.headers.add("cache-control", "no-store");
  return given;
}

}  // namespace braid::http::detail
