// Loops that outlive main's thread-local objects, or their thread's: a static one, one of a thread, one that
// a static object's destructor makes. Each ends with errors that were caught, and with a task and a fiber
// that wait. Prints what was destroyed.

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <thread>

#include "braid/combine/with_timeout.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"

using namespace braid;
using namespace std::chrono_literals;

namespace {

struct says {
  const char* word;
  ~says() {
    try {
      throw std::runtime_error(word);  // an exception of its own, as late as this
    } catch (...) {
      std::puts(error::current().message().c_str());
      std::fflush(stdout);
    }
  }
};

task<> fails() { co_await with_timeout(sleep_for(1h), 0ms); }

void leave_work_on(loop& here) {
  detach([]() -> task<> {
    try {
      co_await fails();
    } catch (const std::system_error&) {}
    const says last{"task"};
    co_await sleep_for(1h);
  });
  detach(in_fiber([] {
    const says last{"fiber"};
    try {
      await(fails());
    } catch (const std::system_error&) {}
    await(sleep_for(1h));
  }));
  here.run(sleep_for(1ms));
}

loop& loop_of_this_thread() {
  thread_local loop made;
  return made;
}

// Its loop is destroyed behind the fiber's and the frames' pools of the main thread.
struct late {
  ~late() {
    loop here;
    leave_work_on(here);
    here.run(in_fiber([] { await(sleep_for(0ms)); }));
    std::puts("late");
    std::fflush(stdout);
  }
} last_of_all;

}  // namespace

int main() {
  std::thread([] { leave_work_on(loop_of_this_thread()); }).join();
  static loop first_call;
  leave_work_on(first_call);
}
