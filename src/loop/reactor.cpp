#include "braid/loop/reactor.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "braid/loop/direct_calls.hpp"
#include "braid/loop/loop.hpp"
#include "uring.hpp"

namespace braid {

namespace {

backend chosen(backend asked) {
  if (asked != backend::automatic) return asked;
  const char* word = std::getenv("BRAID_BACKEND");
  if (word == nullptr || std::string_view(word) == "auto") return backend::automatic;
  if (std::string_view(word) == "uring") return backend::uring;
  throw std::invalid_argument("loop: BRAID_BACKEND is '" + std::string(word) + "'; it takes uring or auto");
}

thread_local reactor_override* innermost = nullptr;

}  // namespace

reactor_override::reactor_override(maker make) noexcept : make_(std::move(make)), outer_(innermost) {
  innermost = this;
}
reactor_override::~reactor_override() { innermost = outer_; }

direct_calls& reactor::direct() noexcept { return direct_calls::of_kernel(); }

std::unique_ptr<reactor> make_reactor(const loop_options& options) {
  if (innermost != nullptr) return innermost->make_(options);
  switch (chosen(options.backend)) {
    case backend::automatic:
    case backend::uring: return std::make_unique<uring_reactor>(options);
  }
  throw std::invalid_argument("loop: no such backend");
}

}  // namespace braid
