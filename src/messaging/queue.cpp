#include "braid/messaging/queue.hpp"

#include <stdexcept>
#include <utility>

#include "braid/messaging/detail/queue_engine.hpp"
#include "braid/style/as_result.hpp"
#include "embedded_queue.hpp"
#include "queue_consuming.hpp"

namespace braid::messaging {

namespace {

using engine_ptr = std::shared_ptr<detail::queue_engine>;

task<std::uint64_t> send_one(engine_ptr to, outgoing one, bool waits) {
  auto sending = to->send_all(std::span(&one, 1), waits, nullptr);
  const std::vector<std::uint64_t> ids = co_await std::move(sending);
  co_return ids.front();
}

task<std::vector<std::uint64_t>> acknowledge(engine_ptr to, detail::lease_name done,
                                             std::span<const outgoing> all) {
  auto sending = to->send_all(all, false, &done);
  std::vector<std::uint64_t> ids = co_await std::move(sending);
  co_return ids;
}

task<delivery> deliver(engine_ptr from, std::string group) {
  auto receiving = from->receive(std::move(group));
  detail::leased_message found = co_await std::move(receiving);
  co_return delivery(std::move(from), std::move(found));
}

void abandon(detail::queue_engine& which) noexcept {
  which.abandon();
  which.ended.set();
}

task<> close_engine(engine_ptr which) {
  auto closing = as_result(which->close());
  const result<void> closed = co_await std::move(closing);
  which->ended.set();
  if (!closed) closed.error().rethrow();
}

}  // namespace

queue::queue(engine_ptr engine) noexcept : engine_(std::move(engine)) {}
queue::queue(queue&&) noexcept = default;
queue& queue::operator=(queue&& other) noexcept {
  std::swap(engine_, other.engine_);
  if (this != &other)
    if (const auto old = std::move(other.engine_)) abandon(*old);
  return *this;
}
queue::~queue() {
  if (engine_) abandon(*engine_);
}

task<queue> queue::open(std::filesystem::path directory, queue_options how) {
  engine_ptr opened = co_await detail::open_embedded(std::move(directory), how);
  co_return queue(std::move(opened));
}

task<> queue::make_group(std::string_view name, group_options how) {
  return engine_->make_group(std::string(name), how);
}
task<std::uint64_t> queue::send(readable_bytes body, send_options how) {
  return send_one(engine_, {body, how}, true);
}
task<std::uint64_t> queue::try_send(readable_bytes body, send_options how) {
  return send_one(engine_, {body, how}, false);
}
task<std::vector<std::uint64_t>> queue::send_all(std::span<const outgoing> all) {
  return engine_->send_all(all, true, nullptr);
}
task<delivery> queue::receive(std::string_view group) { return deliver(engine_, std::string(group)); }
task<> queue::consume(std::string_view group, handler handle, consume_options how) {
  return detail::consume(engine_, std::string(group), std::move(handle), how);
}
task<> queue::pause(std::string_view group) { return engine_->set_paused(std::string(group), true); }
task<> queue::resume(std::string_view group) { return engine_->set_paused(std::string(group), false); }
task<bool> queue::drain(loop_clock::time_point deadline) { return engine_->drain(deadline); }
task<std::size_t> queue::redrive(std::string_view group, dead_letter_filter which) {
  return engine_->handle_dead(std::string(group), which, false);
}
task<std::size_t> queue::purge(std::string_view group, dead_letter_filter which) {
  return engine_->handle_dead(std::string(group), which, true);
}
task<std::vector<dead_letter>> queue::dead_letters(std::string_view group) const {
  return engine_->dead_letters(std::string(group));
}
task<> queue::close() { return close_engine(engine_); }
task<queue_metrics> queue::metrics() const { return engine_->metrics(); }
const queue_recovery& queue::recovery() const noexcept { return engine_->recovery(); }
task<> queue::check() const { return engine_->check(); }

// ---- delivery -------------------------------------------------------------------------------------------

delivery::delivery(std::shared_ptr<detail::queue_engine> from, detail::leased_message&& what)
    : from_(std::move(from)),
      id_(what.lease.id),
      token_(what.lease.token),
      group_(what.lease.group),
      attempt_(what.attempt),
      key_(std::move(what.key)),
      body_(std::move(what.body)) {}
delivery::delivery(delivery&&) noexcept = default;
delivery& delivery::operator=(delivery&& other) noexcept {
  if (this == &other) return *this;
  drop();
  from_ = std::move(other.from_);
  id_ = other.id_;
  token_ = other.token_;
  group_ = other.group_;
  attempt_ = other.attempt_;
  key_ = std::move(other.key_);
  body_ = std::move(other.body_);
  return *this;
}
delivery::~delivery() { drop(); }

void delivery::drop() noexcept {
  if (const auto from = std::move(from_)) from->drop({id_, token_, group_});
}
engine_ptr delivery::held(const char* call) const {
  if (!from_) throw std::logic_error(std::string(call) + ": the delivery was moved from");
  return from_;
}

task<> delivery::ack() { return held("delivery::ack")->ack({id_, token_, group_}); }
task<> delivery::nack(loop_clock::duration delay, std::string reason) {
  return held("delivery::nack")->nack({id_, token_, group_}, delay, std::move(reason));
}
task<std::vector<std::uint64_t>> delivery::ack_and_send(std::span<const outgoing> all) {
  return acknowledge(held("delivery::ack_and_send"), {id_, token_, group_}, all);
}
task<> delivery::extend(loop_clock::duration time) {
  return held("delivery::extend")->extend({id_, token_, group_}, time);
}

}  // namespace braid::messaging
