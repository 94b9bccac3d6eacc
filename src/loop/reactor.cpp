#include "braid/loop/reactor.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "braid/loop/direct_calls.hpp"
#include "braid/loop/loop.hpp"
#include "epoll.hpp"
#include "uring.hpp"
#include "uring_setup.hpp"

namespace braid {

namespace {

backend chosen(backend asked) {
  if (asked != backend::automatic) return asked;
  const char* word = std::getenv("BRAID_BACKEND");
  if (word == nullptr || std::string_view(word) == "auto") return backend::automatic;
  if (std::string_view(word) == "uring") return backend::uring;
  if (std::string_view(word) == "epoll") return backend::epoll;
  throw std::invalid_argument("loop: BRAID_BACKEND is '" + std::string(word) +
                              "'; it takes uring, epoll or auto");
}

bool asked_to_be_quiet() {
  const char* word = std::getenv("BRAID_QUIET");
  if (word == nullptr || std::string_view(word) == "0") return false;
  if (std::string_view(word) == "1") return true;
  throw std::invalid_argument("loop: BRAID_QUIET is '" + std::string(word) + "'; it takes 0 or 1");
}

// Is io_uring itself refused, and not a resource that epoll needs as well? Some security modules answer
// EACCES instead of EPERM.
bool does_without(int code) noexcept {
  return code == ENOSYS || code == EPERM || code == EACCES || code == ENOMEM;
}

// Prints one line per process.
void print_fallback(const std::system_error& refused) {
  static std::once_flag printed;
  std::call_once(printed, [&] {
    if (asked_to_be_quiet()) return;
    const detail::ring_refusal why = detail::explain_refusal(refused.code().value());
    std::fprintf(
        stderr,
        "braid: loops run on epoll: io_uring is refused: %s; %s; BRAID_BACKEND=epoll or BRAID_QUIET=1 "
        "silences this\n",
        why.cause.c_str(), why.remedy.c_str());
  });
}

std::unique_ptr<reactor> make_automatic(const loop_options& options) {
  try {
    return std::make_unique<detail::uring_reactor>(options);
  } catch (const std::system_error& refused) {
    if (!does_without(refused.code().value())) throw;
    print_fallback(refused);
  }
  return std::make_unique<detail::epoll_reactor>(options);
}

thread_local reactor_override* innermost = nullptr;

}  // namespace

reactor_override::reactor_override(maker make) noexcept : make_(std::move(make)), outer_(innermost) {
  innermost = this;
}
reactor_override::~reactor_override() { innermost = outer_; }
std::unique_ptr<reactor> reactor_override::make(const loop_options& options) {
  struct restored {
    ~restored() { innermost = to; }
    reactor_override* const to;
  } const after{std::exchange(innermost, outer_)};
  return make_(options);
}

direct_calls& reactor::direct() noexcept { return direct_calls::of_kernel(); }

// Source  Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014): splitmix64.
std::size_t reactor::choose(std::size_t n) {
  std::uint64_t mixed = ++choices_ * 0x9e3779b97f4a7c15;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
  return n == 0 ? 0 : (mixed ^ mixed >> 31) % n;
}

std::unique_ptr<reactor> make_reactor(const loop_options& options) {
  if (innermost != nullptr) return innermost->make(options);
  switch (chosen(options.backend)) {
    case backend::automatic: return make_automatic(options);
    case backend::uring: return std::make_unique<detail::uring_reactor>(options);
    case backend::epoll: return std::make_unique<detail::epoll_reactor>(options);
  }
  throw std::invalid_argument("loop: no such backend");
}

}  // namespace braid
