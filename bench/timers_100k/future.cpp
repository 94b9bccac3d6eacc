#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"
#include "timers_100k/crowd.hpp"

namespace {

using bench::crowd;

std::uint64_t run_crowds(braid::loop& loop, std::uint64_t n) {
  crowd all;
  for (std::uint64_t begun = 0; begun < n; begun += crowd::size) {
    braid::stop_source odd;
    const auto note = [&](braid::result<void> ended) { all.ended(ended.has_value()); };
    for (std::uint64_t i = 0; i < crowd::size; ++i) {
      const auto token = crowd::is_cancelled(i) ? odd.get_token() : braid::stop_token();
      auto sleep = braid::with_stop_token(braid::sleep_for(crowd::time_of(i)), token);
      (void)braid::spawn(braid::as_result(std::move(sleep))).then(note);
    }
    odd.request_stop();
    loop.run();
  }
  return all.proof();
}

const bench::add<bench::with<bench::thread_loop, run_crowds>> here{"timers_100k", "future"};

}  // namespace
