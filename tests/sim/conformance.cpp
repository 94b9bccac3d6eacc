// Runs the same random programs on the kernel's sockets over loopback and on those of a world. Each call must
// return the same; after it poll and getpeername must agree for both ends.

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "braid/combine/when_all.hpp"
#include "braid/style/run.hpp"
#include "catch.hpp"
#include "two_hosts.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// The state of a socket that can be observed without a change.
struct outside {
  int events = 0;
  bool has_peer = false;
  int unread = 0;
  friend bool operator==(const outside&, const outside&) = default;
};
std::ostream& operator<<(std::ostream& to, const outside& what) {
  return to << "events " << what.events << ", peer " << what.has_peer << ", unread " << what.unread;
}

bool has_peer(const tcp::stream& which) {
  sockaddr_storage name{};
  return direct_calls::current().peer_name(which.number(), name) == 0;
}

class kernel_pair {
 public:
  kernel_pair() {
    const auto listening = run(tcp::listen(endpoint::loopback()));
    auto both = run(when_all(tcp::connect(listening.local_endpoint()), listening.accept()));
    ends_[0] = std::move(std::get<0>(both));
    ends_[1] = std::move(std::get<1>(both));
  }
  [[nodiscard]] tcp::stream& operator[](int which) { return ends_[static_cast<std::size_t>(which)]; }
  template <class S>
  int on(int, S&& op) {
    return value_or_errno(run(as_result(std::forward<S>(op))));
  }
  template <class F>
  void at(int, F&& f) {
    f();
  }
  // The kernel may need a while: polls until the state is as expected, or gives up.
  outside becomes(int which, const outside& expected) {
    outside seen;
    for (int looked = 0; looked != 1'000'000; ++looked) {
      const int socket = (*this)[which].number();
      pollfd one{socket, static_cast<short>(all_events), 0};
      REQUIRE(::poll(&one, 1, 0) >= 0);
      seen = {one.revents, has_peer((*this)[which]), 0};
      REQUIRE(::ioctl(socket, FIONREAD, &seen.unread) == 0);
      if (seen == expected) break;
      std::this_thread::yield();
    }
    return seen;
  }

 private:
  loop here_;
  std::array<tcp::stream, 2> ends_;
};

class world_pair {
 public:
  world_pair(bool two, std::uint64_t seed)
      : world_({.seed = seed, .network = {.least_latency = 1us, .most_latency = 1ms}}) {
    hosts_[0] = &world_.add_host("client");
    hosts_[1] = two ? &world_.add_host("server") : hosts_[0];
    const auto listening = world_.run_on(*hosts_[1], tcp::listen(everywhere));
    ends_[0] = world_.run_on(*hosts_[0], tcp::connect(endpoint(hosts_[1]->address(), everywhere.port())));
    ends_[1] = world_.run_on(*hosts_[1], listening.accept());
  }
  [[nodiscard]] tcp::stream& operator[](int which) { return ends_[static_cast<std::size_t>(which)]; }
  template <class S>
  int on(int which, S&& op) {
    const int ended = value_or_errno(world_.run_on(host_of(which), as_result(std::forward<S>(op))));
    world_.run_until_idle();
    return ended;
  }
  template <class F>
  void at(int which, F&& f) {
    const current_loop_scope there(&host_of(which).its_loop());
    f();
  }
  outside seen(int which, int unread) {
    const int events = std::max(0, on(which, with_timeout(ready((*this)[which].number()), 1s)));
    bool connected = false;
    at(which, [&] { connected = has_peer((*this)[which]); });
    return {events, connected, unread};
  }

 private:
  sim::host& host_of(int which) { return *hosts_[static_cast<std::size_t>(which)]; }
  sim::world world_;
  std::array<sim::host*, 2> hosts_{};
  std::array<tcp::stream, 2> ends_;
};

// One program, drawn while it runs.
class program {
 public:
  explicit program(std::uint64_t seed) : draws_(seed), world_(seed % 2 == 0, seed) {}

  void run() {
    for (int steps = 0; steps != 25 && (is_open(0) || is_open(1)); ++steps) {
      step();
      for (int which = 0; which != 2; ++which) {
        if (!is_open(which)) continue;
        const outside expected = world_.seen(which, ends_[index(which)].unread);
        INFO(log_ << " -> end " << which);
        REQUIRE(kernel_.becomes(which, expected) == expected);
      }
    }
  }

 private:
  struct end {
    int unread = 0;
    bool receiving = true, sending = true;  // until it shuts them down itself
    std::uint64_t sent = 0;
  };
  static std::size_t index(int which) { return static_cast<std::size_t>(which); }
  bool is_open(int which) { return world_[which].is_open(); }

  template <class Make>
  int both(int which, Make make) {
    const int expected = world_.on(which, make(world_[which], 0));
    INFO(log_);
    const int got = kernel_.on(which, make(kernel_[which], 1));
    REQUIRE(got == expected);
    return got;
  }

  void step() {
    const int which = is_open(0) && is_open(1) ? static_cast<int>(draws_.among(2)) : is_open(0) ? 0 : 1;
    const std::size_t what = draws_.among(16);
    if (what < 6) return write(which);
    if (what < 12) return read(which);
    if (what < 14) return shut_down(which);
    if (what < 15) return close(which, false);
    close(which, true);
  }

  void write(int which) {
    end& self = ends_[index(which)];
    end& other = ends_[index(1 - which)];
    if (other.unread > 20'000) return;
    std::string bytes(draws_.among(3000) + 1, '\0');
    for (char& each : bytes) each = static_cast<char>(self.sent++ * 31 >> 3);
    log_ += " | " + std::to_string(which) + " writes " + std::to_string(bytes.size());
    const int got = both(which, [&](const tcp::stream& on, int) { return on.write_some(bytes); });
    if (got > 0 && is_open(1 - which) && (other.receiving || other.sending)) other.unread += got;
  }

  void read(int which) {
    end& self = ends_[index(which)];
    const outside now = world_.seen(which, self.unread);
    if ((now.events & POLLIN) == 0) return;
    const std::size_t size = draws_.among(4000) + 1;
    // After a part io_uring tries again, and would swallow an error that is pending there.
    const bool whole = static_cast<int>(size) <= self.unread || (now.events & (POLLHUP | POLLERR)) == POLLHUP;
    const bool all = whole && draws_.among(2) == 1;
    log_ += " | " + std::to_string(which) + " reads " + (all ? "all of " : "") + std::to_string(size);
    std::array<std::string, 2> got{room(size), room(size)};
    const int ended = both(which, [&](const tcp::stream& on, int where) {
      return receive(on.number(), got[index(where)], all ? MSG_WAITALL : 0);
    });
    CHECK((got[0] == got[1]));
    self.unread -= std::max(ended, 0);
  }

  void shut_down(int which) {
    const int how = static_cast<int>(draws_.among(3));
    log_ += " | " + std::to_string(which) + " shuts " + std::to_string(how);
    if (both(which, [&](const tcp::stream& on, int) { return shut(on.number(), how); }) < 0) return;
    end& self = ends_[index(which)];
    if (how != SHUT_WR) self.receiving = false;
    if (how != SHUT_RD) self.sending = false;
  }

  void close(int which, bool by_reset) {
    log_ += " | " + std::to_string(which) + (by_reset ? " resets" : " closes");
    if (by_reset) {
      world_.at(which, [&] { reset_when_closed(world_[which]); });
      kernel_.at(which, [&] { reset_when_closed(kernel_[which]); });
    }
    CHECK(world_.on(which, world_[which].close()) == 0);
    CHECK(kernel_.on(which, kernel_[which].close()) == 0);
  }

  sim::choices draws_;
  world_pair world_;
  kernel_pair kernel_;
  std::array<end, 2> ends_;
  std::string log_;
};

}  // namespace

TEST_CASE("network: simulated sockets behave like the kernel's", "[sim][network]") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    program(seed).run();
  }
}
