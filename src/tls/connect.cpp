#include "braid/tls/connect.hpp"

#include <memory>
#include <string>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/result.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/style/as_result.hpp"
#include "braid/tls/accept.hpp"
#include "braid/tls/error.hpp"
#include "session.hpp"

namespace braid::tls {

namespace {

task<stream> shake_hands(std::unique_ptr<detail::session> begun, const char* call) {
  auto shaking =
      as_result(with_timeout(begun->shake_hands(call), begun->its_engine().with().handshake_within));
  const result<void> ended = co_await std::move(shaking);
  if (ended) co_return stream(std::move(begun));
  if (ended.error().code().category() == timeout_category())
    begun->failed_with(errc::handshake_timed_out, call).rethrow();
  ended.error().rethrow();
}

}  // namespace

namespace detail {

task<stream> connect(std::unique_ptr<transport> over, std::string name, std::string shown, context with) {
  constexpr const char* call = "tls::connect";
  if (with.state()->is_server) invalid_argument_error(call, "the context is a server's").rethrow();
  auto begun = std::make_unique<session>(std::move(over), with.state(), std::move(name), std::move(shown));
  co_return co_await shake_hands(std::move(begun), call);
}

task<stream> accept(std::unique_ptr<transport> over, context with) {
  constexpr const char* call = "tls::accept";
  if (!with.state()->is_server) invalid_argument_error(call, "the context is a client's").rethrow();
  auto begun = std::make_unique<session>(std::move(over), with.state(), std::string(), std::string());
  co_return co_await shake_hands(std::move(begun), call);
}

}  // namespace detail

task<stream> connect(std::string host, std::string service, context with, connect_options how) {
  const std::string name = how.name.empty() ? host : std::move(how.name);
  std::string shown = host + ":" + service;
  if (name != host) shown += " as " + name;
  tcp::stream plain = co_await tcp::connect(std::move(host), std::move(service), how.tcp);
  auto under = std::make_unique<detail::transport_over<tcp::stream>>(std::move(plain));
  co_return co_await detail::connect(std::move(under), name, std::move(shown), std::move(with));
}

}  // namespace braid::tls
