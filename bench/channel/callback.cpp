#include <braid/braid.hpp>
#include <optional>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

struct two_ends {
  bench::thread_loop loop;
  braid::channel<std::uint64_t> numbers{64};
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t sum = 0;

  void send(std::uint64_t n) {
    braid::start(numbers.send(sent), [this, n](braid::result<void> ended) {
      if (ended && ++sent < n) send(n);
    });
  }

  void receive(std::uint64_t n) {
    braid::start(numbers.receive(), [this, n](braid::result<std::optional<std::uint64_t>> got) {
      if (!got || !*got) return;
      sum += **got;
      if (++received < n) receive(n);
    });
  }

  std::uint64_t run(std::uint64_t n) {
    sent = received = sum = 0;
    send(n);
    receive(n);
    loop->run();
    return sum;
  }
};

const bench::add<two_ends> here{"channel", "callback"};

}  // namespace
