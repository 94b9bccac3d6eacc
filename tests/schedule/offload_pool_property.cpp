// Random programs of an offload_pool, compared with a model: which functions run, wait, or are refused, and
// how each operation ends. BRAID_TEST_SEED=n runs program n alone.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/offload_pool.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"

using namespace braid;

namespace {

struct gate {
  std::atomic<bool> begun{false}, may_end{false};
};
int pass(const std::shared_ptr<gate>& at, int id) {
  at->begun = true;
  at->begun.notify_all();
  at->may_end.wait(false);
  return id;
}

// How an operation shall end, and how it did.
enum class end { none, value, cancelled, refused };

struct operation {
  bool abandonable = false;
  stop_source stop;
  std::shared_ptr<gate> at = std::make_shared<gate>();
  end expected = end::none, seen = end::none;
};

class program {
 public:
  explicit program(std::uint64_t seed)
      : random_(seed),
        threads_(1 + below(3)),
        queue_(below(4)),
        refuses_(below(2) == 0),
        pool_({.threads = threads_,
               .queue = queue_,
               .when_full = refuses_ ? full_queue::refuse : full_queue::wait}) {}

  void operator()() {
    for (int step = 0; step < 40; ++step) {
      switch (below(6)) {
        case 0: cancel(queued_); break;
        case 1: cancel(running_); break;
        case 2:
        case 3: finish_one(); break;
        default: submit();
      }
      settle();
    }
    while (!running_.empty()) {
      finish_one();
      settle();
    }
    CHECK(pool_.metrics().begun == begun_);
    CHECK(pool_.metrics().refused == refused_);
    CHECK(home_.has_work() == false);
  }

 private:
  [[nodiscard]] std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

  void submit() {
    const std::size_t id = all_.size();
    operation& one = all_.emplace_back();
    one.abandonable = below(2) == 0;
    const auto note = [&one, id](result<int> how) {
      CHECK(one.seen == end::none);  // each operation ends once
      if (how) CHECK(*how == static_cast<int>(id));
      one.seen = how ? end::value : how.error() == errc::queue_full ? end::refused : end::cancelled;
    };
    if (one.abandonable)
      start(with_stop_token(pool_.run_abandonable(pass, one.at, static_cast<int>(id)), one.stop.get_token()),
            note);
    else
      start(with_stop_token(pool_.run(pass, one.at, static_cast<int>(id)), one.stop.get_token()), note);
    if (running_.size() < threads_) {
      begin(id);
    } else if (queued_.size() < queue_ || !refuses_) {
      queued_.push_back(id);
    } else {
      one.expected = end::refused;
      ++refused_;
    }
  }
  void cancel(std::deque<std::size_t>& from) {
    if (from.empty()) return;
    const auto chosen = from.begin() + static_cast<std::ptrdiff_t>(below(from.size()));
    operation& one = all_[*chosen];
    if (below(2) == 0)
      one.stop.request_stop();
    else
      std::thread([&] { one.stop.request_stop(); }).join();
    if (&from == &queued_) {
      one.expected = end::cancelled;
      from.erase(chosen);
    } else if (one.abandonable) {
      one.expected = end::cancelled;  // and it runs on
    }
  }
  void finish_one() {
    if (running_.empty()) return;
    const auto chosen = running_.begin() + static_cast<std::ptrdiff_t>(below(running_.size()));
    operation& one = all_[*chosen];
    if (one.expected == end::none) one.expected = end::value;
    one.at->may_end = true;
    one.at->may_end.notify_all();
    running_.erase(chosen);
    if (queued_.empty()) return;
    begin(queued_.front());
    queued_.pop_front();
  }
  void begin(std::size_t id) {
    running_.push_back(id);
    ++begun_;
  }

  // Waits until the pool has done what the model says, and no more.
  void settle() {
    for (const std::size_t id : running_) all_[id].at->begun.wait(false);
    for (operation& each : all_)
      while (each.expected != each.seen) home_.turn(true);
    while (pool_.metrics().running != running_.size()) std::this_thread::yield();  // an abandoned one ends
    for (const std::size_t id : queued_) CHECK_FALSE(all_[id].at->begun);
    CHECK(pool_.metrics().queued == queued_.size());
    const auto is_abandoned = [this](std::size_t id) { return all_[id].expected == end::cancelled; };
    CHECK(pool_.metrics().abandoned ==
          static_cast<std::size_t>(std::ranges::count_if(running_, is_abandoned)));
    CHECK(pool_.metrics().threads <= threads_);
  }

  std::mt19937_64 random_;
  const std::size_t threads_, queue_;
  const bool refuses_;
  std::deque<operation> all_;
  std::deque<std::size_t> running_, queued_;  // in the order in which they began, or were submitted
  std::uint64_t begun_ = 0, refused_ = 0;
  loop home_;
  offload_pool pool_;
};

}  // namespace

TEST_CASE("offload_pool: random programs run, queue, refuse and abandon as a model does",
          "[schedule][offload_pool][property][threads]") {
  if (const char* const seed = std::getenv("BRAID_TEST_SEED")) return program(std::stoull(seed))();
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    INFO("BRAID_TEST_SEED=" << seed);
    program one(seed);
    one();
  }
}
