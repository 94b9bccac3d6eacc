#pragma once

#include "contract.hpp"
#include "stage/style.hpp"

namespace three_generations {

namespace blocking {
void show(printer& out, const std::filesystem::path& path);
}
namespace callbacks {
void show(printer& out, const std::filesystem::path& path, handler<void> done);
}
namespace futures {
future<void> show(printer& out, const std::filesystem::path& path);
}
namespace coroutines {
task<> show(printer& out, std::filesystem::path path);
}
namespace fibers {
void show(printer& out, const std::filesystem::path& path);
}

/// Runs one version to its end, inside a running loop.
inline task<> show(stage::style how, printer& out, const std::filesystem::path& path) {
  switch (how) {
    case stage::style::blocking: blocking::show(out, path); break;
    case stage::style::callback:
      co_await stage::called_back<void>(
          [&](handler<void> done) { callbacks::show(out, path, std::move(done)); });
      break;
    case stage::style::future: co_await futures::show(out, path); break;
    case stage::style::coroutine: co_await coroutines::show(out, path); break;
    case stage::style::fiber: co_await in_fiber([&] { fibers::show(out, path); }); break;
  }
}

/// The same beside another task on the same loop, which ticks on each of its turns.
inline void show_beside_ticks(stage::style how, printer& out, const std::filesystem::path& path) {
  bool over = false;
  run(when_all(
      [&]() -> task<> {
        while (!over) {
          out.tick();
          co_await yield();
        }
      },
      [&]() -> task<> {
        co_await show(how, out, path);
        over = true;
      }));
}

}  // namespace three_generations
