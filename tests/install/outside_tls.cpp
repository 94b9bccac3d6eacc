// A program outside the tree that uses an installed braid-tls.

#include <braid/base/error.hpp>
#include <braid/style/as_result.hpp>
#include <braid/style/run.hpp>
#include <braid/tls/connect.hpp>
#include <braid/tls/error.hpp>

#include <cstdio>
#include <system_error>
#include <utility>

int main() {
  braid::tls::client_options how;
  how.system_authorities = false;
  const braid::tls::context trusting(how);
  // Nothing listens there.
  auto connecting = braid::as_result(braid::tls::connect("127.0.0.1", "1", trusting));
  const auto ended = braid::run(std::move(connecting));
  std::printf("%s\n", ended ? "connected" : ended.error().message().c_str());
  return !ended && ended.error() == std::errc::connection_refused ? 0 : 1;
}
