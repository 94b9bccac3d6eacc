// A reverse proxy: passes each request on to another server, and answers 502 or 504 in its place if that one
// is not there or takes too long.
//
//     build/examples/file_server --serve 127.0.0.1:7779 &
//     build/examples/reverse_proxy --serve 127.0.0.1:7780 --to 127.0.0.1:7779

#include <braid/braid.hpp>
#include <braid/http/client.hpp>
#include <braid/http/server.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "serve_until_signal.hpp"

namespace {

namespace http = braid::http;

/// Does the field concern one connection only, so that it must not be passed on?
bool is_of_connection(std::string_view name, const http::headers& all) {
  static constexpr std::array<std::string_view, 10> names{
      "connection", "keep-alive",    "proxy-authenticate", "proxy-authorization",
      "te",         "trailer",       "transfer-encoding",  "upgrade",
      "expect",     "content-length"};
  const auto same = [name](std::string_view other) { return http::headers{{name, ""}}.has(other); };
  return std::ranges::any_of(names, same) || all.lists("connection", name);
}

http::headers passed_on(const http::headers& all) {
  http::headers some;
  for (const auto& [name, value] : all)
    if (!is_of_connection(name, all)) some.add(name, value);
  return some;
}

braid::task<http::response> ask(http::client& behind, const std::string& to, http::request& asked) {
  http::request next(asked.method, "http://" + to + asked.target, std::move(asked.body));
  next.headers = passed_on(asked.headers);
  next.headers.remove("host");  // the client sets that of the server behind
  next.headers.add("x-forwarded-host", asked.headers.get("host").value_or(""));
  if (asked.peer) next.headers.add("x-forwarded-for", asked.peer->to_string());
  http::response given = co_await behind.fetch(std::move(next));
  given.headers = passed_on(given.headers);
  co_return given;
}

/// If the server behind fails, the client learns the kind, and the log the reason.
braid::task<http::response> ask_or_say(http::client& behind, const std::string& to, http::request& asked) {
  auto asking = braid::as_result(ask(behind, to, asked));
  braid::result<http::response> given = co_await std::move(asking);
  if (given) co_return *std::move(given);
  const braid::error& why = given.error();
  if (why.is_requested_cancellation()) why.rethrow();  // the client has gone
  std::fprintf(stderr, "%s %s: %s\n", asked.method.c_str(), asked.target.c_str(), why.message().c_str());
  co_return http::response(why == std::errc::timed_out ? 504 : 502);
}

braid::task<> serve(servers::options given) {
  braid::tcp::listener door = co_await braid::tcp::listen(servers::address(given["--serve"]));
  http::client_options how;
  how.redirects = 0;  // they are the client's
  how.connect = how.answer = how.stall = std::chrono::milliseconds(std::stoi(given["--timeout-ms"]));
  http::client behind(std::move(how));
  const auto answer = [&](http::request& asked) { return ask_or_say(behind, given["--to"], asked); };
  co_await servers::serve_until_signal(door, http::serve(door, answer));
}

}  // namespace

int main(int argc, char** argv) {
  return servers::run(argc, argv,
                      {{"--serve", "127.0.0.1:7780"}, {"--to", "127.0.0.1:7779"}, {"--timeout-ms", "5000"}},
                      serve);
}
