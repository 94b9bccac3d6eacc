#pragma once

#include "contract.hpp"
#include "stage/in_style.hpp"

namespace three_generations {

namespace blocking { void show(printer& out, path file); }
namespace callbacks { void show(printer& out, path file, handler<void> done); }
namespace futures { future<void> show(printer& out, path file); }
namespace coroutines { task<> show(printer& out, path file); }
namespace fibers { void show(printer& out, path file); }

/// One version, inside a running loop.
inline task<> show(stage::style how, printer& out, path file) {
  constexpr stage::versions all{blocking::show, callbacks::show, futures::show, coroutines::show,
                                fibers::show};
  return stage::task_in_style(how, all, out, std::move(file));
}

/// The same beside another task on the same loop, which ticks on each of its turns.
inline void show_beside_ticks(stage::style how, printer& out, const path& file) {
  bool over = false;
  run(when_all(
      [&]() -> task<> {
        while (!over) {
          out.tick();
          co_await yield();
        }
      },
      [&]() -> task<> {
        co_await show(how, out, file);
        over = true;
      }));
}

}  // namespace three_generations
