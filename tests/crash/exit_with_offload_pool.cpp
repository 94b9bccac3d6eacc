// Ends while an offload_pool has work, in the way that the argument names. Exits with 7 if all goes well.

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>

#include "braid/loop/loop.hpp"
#include "braid/schedule/offload_pool.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"

namespace {

using namespace braid;

using flag = std::shared_ptr<std::atomic<bool>>;

void wait_for_the_end(const flag& begun) {
  *begun = true;
  begun->notify_all();
  int ends[2];
  char byte;
  if (::pipe(ends) == 0) (void)!::read(ends[0], &byte, 1);
}

// Of the function that exit waits for.
std::atomic<bool> second_begun{false}, exit_begun{false}, second_ended{false};

void set(std::atomic<bool>& which) {
  which = true;
  which.notify_all();
}

int end(const std::string& how) {
  if (how == "static")  // handlers run in the reverse order, with the pool's destructor between these two
    std::atexit([] {
      if (!second_ended) std::_Exit(1);
    });
  static offload_pool kept({.name = "kept", .threads = 2});
  offload_pool local({.name = "local"});
  const auto begun = std::make_shared<std::atomic<bool>>(false);
  if (how == "inside") {
    run(kept.run([] { std::exit(7); }));
    return 1;
  }
  auto home = std::make_unique<loop>();
  if (how == "abandonable") {
    start(kept.run_abandonable(wait_for_the_end, begun), [](result<void>) {});
    begun->wait(false);
    home.reset();
    return 7;
  }
  if (how == "static") {  // exit waits for the second function, and leaves the first
    start(kept.run_abandonable(wait_for_the_end, begun), [](result<void>) {});
    const auto second = [] {
      set(second_begun);
      exit_begun.wait(false);
      second_ended = true;
    };
    start(kept.run(second), [](result<void>) {});
    begun->wait(false);
    second_begun.wait(false);
    std::atexit([] { set(exit_begun); });
    std::exit(7);
  }
  if (how == "local") {  // exit destroys no local pool, and waits for nothing in it
    start(local.run([begun] { wait_for_the_end(begun); }), [](result<void>) {});
    begun->wait(false);
    std::exit(7);
  }
  return 64;
}

}  // namespace

int main(int count, char** words) { return count == 2 ? end(words[1]) : 64; }
