#include "braid/http/server.hpp"

#include <cstdio>
#include <utility>

#include "braid/core/async_stack.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/net/detail/served.hpp"
#include "braid/net/serve.hpp"
#include "server_connection.hpp"
#include "server_core.hpp"

namespace braid::http {

namespace {

constexpr std::size_t turned_away_at_once = 64;  // connections beyond the limit that are being told so

void print(const error& why) {
  std::fprintf(stderr, "braid: http::server: %s\n%s", why.message().c_str(), format_stack(why).c_str());
}

}  // namespace

namespace detail {

server_core::server_core(handler its_answer, server_options its_options)
    : answer(std::move(its_answer)), options(std::move(its_options)), places(options.overload.at_once) {
  if (options.overload.at_once == 0 || options.limits.connections == 0)
    invalid_argument_error("http::server", "a limit is 0").rethrow();
  if (!answer) invalid_argument_error("http::server", "the handler is empty").rethrow();
  if (!options.on_error) options.on_error = print;
}

}  // namespace detail

server::server(handler answer, server_options how)
    : core_(std::make_unique<detail::server_core>(std::move(answer), std::move(how))) {}
server::~server() = default;

task<> server::serve(any_stream client, std::optional<endpoint> peer) {
  detail::server_connection one(*core_, std::move(client), peer);
  co_await one.run();
}

void server::request_shutdown() noexcept {
  core_->shuts_down = true;
  core_->all.for_each([](detail::server_connection& each) { each.shut_down(); });
}

server_metrics server::metrics() const noexcept {
  const std::size_t running = core_->options.overload.at_once - core_->places.available();
  return {core_->connections, running, core_->waiting, core_->requests, core_->refused};
}

task<> serve(const tcp::listener& at, handler answer, server_options how) {
  server all(std::move(answer), std::move(how));
  all.core_->door = &at;
  const auto shut_down = [&all]() noexcept { all.request_shutdown(); };
  const stop_callback closing(at.served()->closing.get_token(), shut_down);
  const auto one = [&all](tcp::stream client) {
    const auto peer = capture([&] { return client.peer_endpoint(); });
    return all.serve(std::move(client), peer ? std::optional(*peer) : std::nullopt);
  };
  serve_options accepting;
  accepting.at_most = all.core_->options.limits.connections + turned_away_at_once;
  accepting.on_error = [&all](const error& why) { all.core_->options.on_error(why); };
  auto serving = tcp::serve(at, one, std::move(accepting));
  co_await std::move(serving);
}

}  // namespace braid::http
