#include "braid/redis/pool.hpp"

#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/style/as_result.hpp"
#include "braid/sync/semaphore.hpp"
#include "client_core.hpp"

namespace braid::redis {

namespace detail {

class pool_core : pinned, public std::enable_shared_from_this<pool_core> {
 public:
  pool_core(server_address at, client_options how, std::size_t most)
      : how_(std::make_shared<settings>(std::move(at), std::move(how))), places_(most) {
    if (most == 0) invalid_argument_error("redis::pool", "no connection").rethrow();
    idle_.reserve(most);
  }

  static task<redis::connection> take(std::shared_ptr<pool_core> self) {
    auto waiting = with_timeout(self->places_.acquire(), self->how_->options.command);
    semaphore::permit place = co_await std::move(waiting);
    std::shared_ptr<client_core> found = co_await self->take_idle();
    if (!found) found = std::make_shared<client_core>(self->how_, false);
    place.forget();  // give_back releases it
    co_return redis::connection(std::move(found), std::move(self));
  }
  void give_back(std::shared_ptr<client_core> one) noexcept {
    if (one->is_clean() && !closed_)
      idle_.push_back({std::move(one), loop_clock::now()});  // there is room
    else
      one->stop();
    places_.release();
  }
  void close() noexcept {
    closed_ = true;
    for (const idle_connection& each : idle_) each.core->stop();
    idle_.clear();
  }
  [[nodiscard]] std::size_t idle() const noexcept { return idle_.size(); }
  [[nodiscard]] std::size_t free() const noexcept { return places_.available(); }

 private:
  struct idle_connection {
    std::shared_ptr<client_core> core;
    loop_clock::time_point since;
  };
  // The one that was used last, if it is still there.
  task<std::shared_ptr<client_core>> take_idle() {
    while (!idle_.empty()) {
      idle_connection last = std::move(idle_.back());
      idle_.pop_back();
      if (!last.core->is_clean()) {
        last.core->stop();
        continue;
      }
      const loop_clock::duration silence = how_->options.silence;
      if (loop_clock::now() - last.since < silence) co_return std::move(last.core);
      request ping("PING");
      ping.within(silence);
      auto asking = as_result(client_core::command(last.core, std::move(ping)));
      const result<value> reply = co_await std::move(asking);
      if (reply) co_return std::move(last.core);
      last.core->stop();
      if (reply.error().is_requested_cancellation()) reply.error().rethrow();
    }
    co_return nullptr;
  }

  const std::shared_ptr<settings> how_;
  semaphore places_;
  std::vector<idle_connection> idle_;
  bool closed_ = false;
};

}  // namespace detail

connection::connection(std::shared_ptr<detail::client_core> core,
                       std::shared_ptr<detail::pool_core> of) noexcept
    : core_(std::move(core)), of_(std::move(of)) {}
connection::~connection() {
  if (of_) of_->give_back(std::move(core_));
}

task<value> connection::command(request what) { return detail::client_core::command(core_, std::move(what)); }
task<std::vector<result<value>>> connection::pipeline(std::vector<request> commands) {
  return detail::client_core::pipeline(core_, std::move(commands));
}
task<value> connection::run(script& what, std::vector<std::string> keys, std::vector<std::string> arguments) {
  return detail::client_core::run_script(core_, what, std::move(keys), std::move(arguments));
}
task<std::optional<std::vector<result<value>>>> connection::transaction(std::vector<request> commands) {
  return detail::client_core::transaction(core_, std::move(commands));
}
bool connection::is_open() const noexcept { return core_ && !core_->is_over(); }

pool::pool(server_address at, client_options how, std::size_t most)
    : core_(std::make_shared<detail::pool_core>(std::move(at), std::move(how), most)) {}
pool::~pool() { core_->close(); }
task<connection> pool::take() { return detail::pool_core::take(core_); }
std::size_t pool::idle() const noexcept { return core_->idle(); }
std::size_t pool::free() const noexcept { return core_->free(); }

}  // namespace braid::redis
