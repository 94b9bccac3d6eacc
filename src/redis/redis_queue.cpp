#include "redis_queue.hpp"

#include <unistd.h>

#include <algorithm>
#include <random>
#include <utility>

#include "braid/messaging/detail/queue_arguments.hpp"
#include "braid/redis/queue.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/shield.hpp"
#include "queue_script.hpp"

namespace braid::redis {

task<messaging::queue> open_queue(client& db, std::string name, messaging::queue_options how) {
  std::shared_ptr<detail::redis_queue> opened =
      co_await detail::redis_queue::open(db.core(), std::move(name), how);
  co_return messaging::queue(std::move(opened));
}

}  // namespace braid::redis

namespace braid::redis::detail {

namespace {

// Of the program that has a delivery, so that XINFO CONSUMERS shows it.
std::string new_consumer() {
  char host[256] = {};
  if (::gethostname(host, sizeof(host) - 1) != 0) host[0] = '\0';
  std::random_device random;
  return std::string(host) + "-" + std::to_string(::getpid()) + "-" + std::to_string(random());
}

std::string checked_name(std::string name) {
  if (name.empty() || name.size() > 255 || name.find_first_of("{}") != std::string::npos)
    invalid_argument_error("redis::open_queue", "the name has 1 to 255 bytes and no brace").rethrow();
  return name;
}

}  // namespace

std::int64_t in_ms(loop_clock::duration time) noexcept {
  constexpr loop_clock::duration most = std::chrono::hours(24 * 365 * 10);
  return std::chrono::ceil<std::chrono::milliseconds>(std::clamp(time, loop_clock::duration::zero(), most))
      .count();
}

redis_queue::redis_queue(std::shared_ptr<client_core> client, std::string name,
                         const messaging::queue_options& how)
    : client_(std::move(client)),
      name_(checked_name(std::move(name))),
      prefix_("braid:{" + name_ + "}:"),
      consumer_(new_consumer()),
      how_(how),
      once_(queue_steps),
      repeatable_(queue_steps) {
  messaging::detail::require_queue_options(how);
  repeatable_.idempotent();
}

error redis_queue::failure(messaging::errc why, const char* call, std::string_view what) const {
  std::string object = client_->how()->where.to_string() + " " + prefix_ + "*";
  if (!what.empty()) object.append(" (").append(what).append(")");
  return {make_error_code(why), call, std::move(object)};
}
void redis_queue::require_open(const char* call) const {
  if (closed_) failure(messaging::errc::queue_closed, call).rethrow();
}

task<std::vector<value>> redis_queue::step(ptr self, std::vector<std::string> arguments, const char* call,
                                           bool repeatable) {
  const counted_step mine(*self);
  std::vector<std::string> keys{self->prefix_};
  const bool sends = arguments[0] == "send";
  const std::string group = sends || arguments.size() == 1 ? "it has none" : arguments[1];
  script& which = repeatable ? self->repeatable_ : self->once_;
  auto running =
      shield(as_result(client_core::run_script(self->client_, which, std::move(keys), std::move(arguments))));
  result<value> reply = co_await std::move(running);
  if (!reply) reply.error().rethrow();
  std::vector<value> all = std::move(*reply).array();
  if (all.empty()) error(make_error_code(errc::unexpected_reply), call, self->prefix_).rethrow();
  if (all[0].text() == "group") self->failure(messaging::errc::unknown_group, call, group).rethrow();
  co_return all;
}

task<redis_queue::ptr> redis_queue::open(std::shared_ptr<client_core> client, std::string name,
                                         messaging::queue_options how) {
  ptr made = std::make_shared<redis_queue>(std::move(client), std::move(name), how);
  std::vector<std::string> words{"open"};
  auto opening = step(made, std::move(words), "redis::open_queue", true);
  const std::vector<value> opened = co_await std::move(opening);
  if (opened[0].text() != "ok")
    error(make_error_code(errc::refused), "redis::open_queue",
          made->prefix_ + "* is of version " + opened[1].text())
        .rethrow();
  co_return made;
}

task<> redis_queue::make_group(std::string name, messaging::group_options how) {
  return define_group(shared_from_this(), std::move(name), how);
}
task<> redis_queue::define_group(ptr self, std::string name, messaging::group_options how) {
  self->require_open("queue::make_group");
  messaging::detail::require_group_options(name, how);
  std::vector<std::string> words{"group", name, std::to_string(how.attempts),
                                 std::to_string(std::max<std::int64_t>(1, in_ms(how.lease))),
                                 std::to_string(how.key_limit)};
  const std::vector<value> made = co_await step(self, std::move(words), "queue::make_group", true);
  if (made[0].text() == "many")
    invalid_argument_error("queue::make_group", "there are 65,535 groups").rethrow();
}

bool redis_queue::holds(lease_name lease) noexcept { return closed_ || leases_.holds(lease); }

// What a server says that is down for a while, or on its way up.
bool redis_queue::may_pass(const error& why) const noexcept {
  const std::error_code code = why.code();
  if (code.category() != error_category()) return false;
  switch (static_cast<errc>(code.value())) {
    case errc::not_sent:
    case errc::reply_lost:
    case errc::reply_late:
    case errc::too_many_commands:
    case errc::malformed_reply:
    case errc::read_only:
    case errc::loading:
    case errc::busy:
    case errc::out_of_memory:
    case errc::misconfigured:
    case errc::cluster_down:
    case errc::try_again:
    case errc::master_down:
    case errc::no_replicas: return true;
    default: return false;
  }
}

const messaging::queue_recovery& redis_queue::recovery() const noexcept {
  static const messaging::queue_recovery none;
  return none;
}

// ---- the end --------------------------------------------------------------------------------------------

void redis_queue::abandon() noexcept {
  if (std::exchange(closed_, true)) return;
  stop_listening();
  wake_all();
  close_ended_.set();
}

task<> redis_queue::close() { return close_queue(shared_from_this()); }
task<> redis_queue::close_queue(ptr self) {
  if (!std::exchange(self->closed_, true)) {
    self->stop_listening();
    self->wake_all();
    auto leaving = shield(as_result(leave(self)));
    const result<void> left = co_await std::move(leaving);
    self->close_ended_.set();
    if (!left) left.error().rethrow();
  }
  auto ending = self->close_ended_.wait();
  co_await std::move(ending);
}

// Gives back the deliveries that have no outcome: they burn no attempt. If that fails, their leases end.
task<> redis_queue::leave(ptr self) {
  const std::vector<lease_name> all = self->leases_.all();
  for (const lease_name& each : all) {
    outcome back{"return", "queue::close"};
    back.is_own = true;
    auto giving_back = as_result(end(self, each, std::move(back)));
    const result<void> done = co_await std::move(giving_back);
    if (!done && done.error() != make_error_code(messaging::errc::stale_token)) done.error().rethrow();
  }
  while (self->steps_under_way_ != 0) {
    self->quiet_.reset();
    auto quiet = self->quiet_.wait();
    co_await std::move(quiet);
  }
  std::vector<std::string> words{"leave", self->consumer_};
  (void)co_await step(self, std::move(words), "queue::close", true);
}

}  // namespace braid::redis::detail
