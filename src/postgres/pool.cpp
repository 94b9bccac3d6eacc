#include "braid/postgres/pool.hpp"

#include <deque>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/start.hpp"
#include "link.hpp"

namespace braid::postgres {

namespace detail {

/// The connections of a pool. Leases keep it alive.
class pool_core : pinned {
 public:
  pool_core(std::string its_server, pool_options its_options)
      : server(std::move(its_server)), options(std::move(its_options)), places(options.at_most) {
    if (options.at_most == 0) invalid_argument_error("postgres::pool", "at_most is 0").rethrow();
  }
  struct idle_connection {
    std::unique_ptr<connection> one;
    loop_clock::time_point since;
  };
  const std::string server;
  const pool_options options;
  semaphore places;
  std::vector<idle_connection> idle;  // the latest last
  bool is_closed = false;             // the pool is gone

  void keep(std::unique_ptr<connection> one) {
    if (!is_closed && one->is_open()) idle.push_back({std::move(one), loop_clock::now()});
  }
  [[nodiscard]] task<bool> is_good(idle_connection& one);
  // Resets a connection and gives it back, unless that fails. Throws nothing.
  [[nodiscard]] static task<> take_back(std::shared_ptr<pool_core> of, semaphore::permit place,
                                        std::unique_ptr<connection> one);
};

task<bool> pool_core::is_good(idle_connection& one) {
  const loop_clock::duration age = loop_clock::now() - one.since;
  if (age >= options.idle) co_return false;
  try {
    one.one->over()->check("postgres::pool");
  } catch (...) {
    co_return false;  // it has ended meanwhile
  }
  if (age < options.trusted) co_return true;
  auto asking = as_result(with_timeout(one.one->execute(""), options.check_within));
  const auto answered = co_await std::move(asking);
  if (!answered && answered.error() == std::errc::operation_canceled) answered.error().rethrow();
  co_return answered.has_value();
}

task<> pool_core::take_back(std::shared_ptr<pool_core> of, semaphore::permit place,
                            std::unique_ptr<connection> one) {
  const semaphore::permit until_the_end = std::move(place);
  try {
    if (one->in_transaction()) {
      auto ending = with_timeout(one->execute("rollback"), of->options.check_within);
      (void)co_await std::move(ending);
    }
    if (of->options.reset == session_reset::discard_all) {
      auto resetting = with_timeout(one->execute("discard all"), of->options.check_within);
      (void)co_await std::move(resetting);
    }
    of->keep(std::move(one));
  } catch (...) {
    // it is closed instead
  }
}

}  // namespace detail

pool::lease::lease(std::shared_ptr<detail::pool_core> of, semaphore::permit place) noexcept
    : of_(std::move(of)), place_(std::move(place)) {}

void pool::lease::hold(connection one) { connection_ = std::make_unique<connection>(std::move(one)); }

// A connection that is reset needs a task, and so a loop and memory. Without them it is closed.
void pool::lease::give_back() noexcept {
  if (of_ == nullptr) return;
  if (connection_ != nullptr && connection_->is_open() && !of_->is_closed &&
      loop::current_or_null() != nullptr) {
    const bool needs_no_task =
        of_->options.reset == session_reset::rollback && !connection_->in_transaction();
    try {
      if (needs_no_task)
        of_->keep(std::move(connection_));
      else
        detach(detail::pool_core::take_back(of_, *std::move(place_), std::move(connection_)));
    } catch (...) {
      // there is no memory
    }
  }
  connection_.reset();
  place_.reset();
  of_.reset();
}

pool::lease& pool::lease::operator=(lease&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  of_ = std::move(other.of_);
  place_ = std::move(other.place_);
  other.place_.reset();
  connection_ = std::move(other.connection_);
  return *this;
}

pool::lease::~lease() { give_back(); }

pool::pool(std::string to, pool_options how)
    : core_(std::make_shared<detail::pool_core>(std::move(to), std::move(how))) {}

pool::~pool() {
  core_->is_closed = true;
  close_idle();
}

task<pool::lease> pool::acquire() { return acquire_of(core_); }

task<pool::lease> pool::acquire_of(core_ptr of) {
  auto waiting = as_result(with_timeout(of->places.acquire(), of->options.wait_within));
  auto place = co_await std::move(waiting);
  if (!place && place.error().code().category() == timeout_category())
    error(place.error().code(), "postgres::pool::acquire", "all connections are in use").rethrow();
  if (!place) place.error().rethrow();
  lease made(of, *std::move(place));
  while (!of->idle.empty()) {
    detail::pool_core::idle_connection one = std::move(of->idle.back());
    of->idle.pop_back();
    const bool good = co_await of->is_good(one);
    if (!good) continue;
    made.hold(std::move(*one.one));
    co_return made;
  }
  connection fresh = co_await connect(of->server, of->options.connection);
  made.hold(std::move(fresh));
  co_return made;
}

task<rows> pool::query_by_any(core_ptr of, std::string text, detail::parameters with) {
  lease on = co_await acquire_of(std::move(of));
  co_return co_await detail::query(on->over(), std::move(text), std::move(with));
}

task<std::uint64_t> pool::execute_by_any(core_ptr of, std::string text, detail::parameters with) {
  lease on = co_await acquire_of(std::move(of));
  co_return co_await detail::execute(on->over(), std::move(text), std::move(with));
}

std::size_t pool::idle() const noexcept { return core_->idle.size(); }
std::size_t pool::in_use() const noexcept { return core_->options.at_most - core_->places.available(); }
void pool::close_idle() noexcept { core_->idle.clear(); }

}  // namespace braid::postgres
