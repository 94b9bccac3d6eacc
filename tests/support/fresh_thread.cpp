#include "fresh_thread.hpp"

#include <exception>
#include <optional>
#include <string_view>
#include <thread>

#include "braid/loop/loop.hpp"
#include "braid/sim/virtual_time.hpp"

void braid_tests::on_fresh_thread(braid::unique_function<void()> f) {
  const bool on_virtual_time = std::string_view(braid::loop().reactor_name()) == "simulation";
  std::exception_ptr thrown;
  std::thread([&] {
    std::optional<braid::sim::virtual_time> time;
    if (on_virtual_time) time.emplace();
    try {
      f();
    } catch (...) {
      thrown = std::current_exception();
    }
  }).join();
  if (thrown != nullptr) std::rethrow_exception(thrown);
}
