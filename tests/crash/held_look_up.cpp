// Looks up names while no name server answers. Exits with 0 if everything else works and the program ends.

#include <netdb.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/loop/loop.hpp"
#include "braid/net/resolve.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"

namespace {

std::atomic<int> held{0};

int look_up() {
  using namespace braid;
  std::optional<result<std::vector<endpoint>>> last;
  {
    loop home;
    for (int n = 0; n < 6; ++n) {
      const auto timed_out =
          home.run(as_result(with_timeout(resolve("held", "80"), std::chrono::milliseconds(1))));
      if (timed_out || timed_out.error() != std::errc::timed_out) return 1;
    }
    stop_source source;
    start(with_stop_token(resolve("held", "80"), source.get_token()),
          [&](result<std::vector<endpoint>> how) { last.emplace(std::move(how)); });
    held.wait(0);  // until a thread has begun a look-up
    source.request_stop();
    home.run();
    if (!last || *last || last->error() != std::errc::operation_canceled || last->error().call() != "resolve")
      return 2;
    if (home.run(offload([] { return 3; })) != 3) return 3;  // abandoned threads do not count
    last.reset();
    start(resolve("held", "80"), [&](result<std::vector<endpoint>> how) { last.emplace(std::move(how)); });
  }
  return last && !*last && last->error() == std::errc::operation_canceled ? 0 : 4;
}

}  // namespace

// Replaces the C library's function.
extern "C" int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
  ++held;
  held.notify_all();
  for (;;) ::pause();
}

int main() { return look_up(); }
