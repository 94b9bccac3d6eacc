#include "braid/messaging/queue.hpp"

#include <stdexcept>
#include <utility>

#include "queue_core.hpp"

namespace braid::messaging {

namespace {

task<std::vector<std::uint64_t>> acknowledge(std::shared_ptr<detail::queue_core> to, detail::lease_name done,
                                             std::span<const outgoing> all) {
  std::vector<std::uint64_t> ids = co_await detail::queue_core::send_all(to, all, false, &done);
  co_return ids;
}

task<delivery> deliver(std::shared_ptr<detail::queue_core> from, std::string group) {
  detail::leased_message found = co_await detail::queue_core::receive(from, std::move(group));
  co_return delivery(std::move(from), std::move(found));
}

}  // namespace

queue::queue(std::shared_ptr<detail::queue_core> core) noexcept : core_(std::move(core)) {}
queue::queue(queue&&) noexcept = default;
queue& queue::operator=(queue&& other) noexcept {
  std::swap(core_, other.core_);
  if (this != &other)
    if (const auto old = std::move(other.core_)) old->abandon();
  return *this;
}
queue::~queue() {
  if (core_) core_->abandon();
}

task<queue> queue::open(std::filesystem::path directory, queue_options how) {
  std::shared_ptr<detail::queue_core> opened = co_await detail::queue_core::open(std::move(directory), how);
  co_return queue(std::move(opened));
}

task<> queue::make_group(std::string_view name, group_options how) {
  return detail::queue_core::make_group(core_, std::string(name), how);
}
task<std::uint64_t> queue::send(readable_bytes body, send_options how) {
  return detail::queue_core::send(core_, {body, how}, true);
}
task<std::uint64_t> queue::try_send(readable_bytes body, send_options how) {
  return detail::queue_core::send(core_, {body, how}, false);
}
task<std::vector<std::uint64_t>> queue::send_all(std::span<const outgoing> all) {
  return detail::queue_core::send_all(core_, all, true);
}
task<delivery> queue::receive(std::string_view group) { return deliver(core_, std::string(group)); }
task<> queue::consume(std::string_view group, handler handle, consume_options how) {
  return detail::consume(core_, std::string(group), std::move(handle), how);
}
task<> queue::pause(std::string_view group) {
  return detail::queue_core::set_paused(core_, std::string(group), true);
}
task<> queue::resume(std::string_view group) {
  return detail::queue_core::set_paused(core_, std::string(group), false);
}
task<bool> queue::drain(loop_clock::time_point deadline) {
  return detail::queue_core::drain(core_, deadline);
}
task<std::size_t> queue::redrive(std::string_view group, dead_letter_filter which) {
  return detail::queue_core::handle_dead(core_, std::string(group), which, false);
}
task<std::size_t> queue::purge(std::string_view group, dead_letter_filter which) {
  return detail::queue_core::handle_dead(core_, std::string(group), which, true);
}
std::vector<dead_letter> queue::dead_letters(std::string_view group) const {
  return core_->dead_letters(group);
}
task<> queue::close() { return detail::queue_core::close(core_); }
queue_metrics queue::metrics() const { return core_->metrics(); }
const queue_recovery& queue::recovery() const noexcept { return core_->recovery(); }
void queue::check() const { core_->check(); }

// ---- delivery -------------------------------------------------------------------------------------------

delivery::delivery(std::shared_ptr<detail::queue_core> from, detail::leased_message&& what)
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
std::shared_ptr<detail::queue_core> delivery::held(const char* call) const {
  if (!from_) throw std::logic_error(std::string(call) + ": the delivery was moved from");
  return from_;
}

task<> delivery::ack() { return detail::queue_core::ack(held("delivery::ack"), {id_, token_, group_}); }
task<> delivery::nack(loop_clock::duration delay, std::string reason) {
  return detail::queue_core::nack(held("delivery::nack"), {id_, token_, group_}, delay, std::move(reason));
}
task<std::vector<std::uint64_t>> delivery::ack_and_send(std::span<const outgoing> all) {
  return acknowledge(held("delivery::ack_and_send"), {id_, token_, group_}, all);
}
task<> delivery::extend(loop_clock::duration time) {
  return detail::queue_core::extend(held("delivery::extend"), {id_, token_, group_}, time);
}

}  // namespace braid::messaging
