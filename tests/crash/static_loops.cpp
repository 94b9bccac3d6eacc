// Loops that outlive the thread_local objects of main or of their thread: a static loop, a thread_local one,
// and one made by a static object's destructor. Each ends after errors were caught, and while a task and a
// fiber wait. Prints what is destroyed.

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
      throw std::runtime_error(word);  // exceptions must still work as late as this
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

// Its loop is destroyed after the main thread's pools of fibers and frames.
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
