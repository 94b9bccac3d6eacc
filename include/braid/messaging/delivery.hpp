#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/loop/clock.hpp"
#include "braid/messaging/queue_options.hpp"
#include "braid/style/task.hpp"

namespace braid::messaging {

namespace detail {
class queue_engine;
struct leased_message;
}  // namespace detail

/// A message that was delivered, for as long as its lease lasts. Each delivery must end with ack() or nack().
///
///     messaging::delivery job = co_await jobs.receive("thumbnails");
///     if (job.body().empty()) co_await job.nack(1min, "there is nothing in it");
///     else co_await job.ack();
///
/// Its token is greater than that of each earlier delivery of the message: a store that remembers the token
/// of the last write can refuse the write of a holder whose lease has ended.
///
/// Lifetime  the destructor of a delivery without an outcome ends its lease: the message is delivered again,
///           and the attempt counts. An operation may outlive its delivery.
/// Threads   its queue's.
/// Errors    errc::stale_token when the lease has ended or there was an outcome before: nothing has changed.
///           errc::queue_closed, errc::log_stopped; no_space_on_device: the delivery goes on. In a delivery
///           that was moved from: std::logic_error.
/// Cancel    ignored once an outcome is being written.
class delivery {
 public:
  explicit delivery(std::shared_ptr<detail::queue_engine> from, detail::leased_message&& what);
  delivery(delivery&&) noexcept;
  delivery& operator=(delivery&& other) noexcept;
  ~delivery();

  [[nodiscard]] const std::string& body() const& noexcept { return body_; }
  [[nodiscard]] std::string&& body() && noexcept { return std::move(body_); }
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  /// The message's number: that of a message which is sent later is greater.
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  /// How often it was delivered, from 1.
  [[nodiscard]] std::uint32_t attempt() const noexcept { return attempt_; }
  [[nodiscard]] std::uint64_t token() const noexcept { return token_; }

  /// The message is done with, durably.
  [[nodiscard]] task<> ack();
  /// The delivery has failed. The message is delivered again after the delay, or is a dead letter if this was
  /// the last attempt of its group. The reason is kept with it.
  [[nodiscard]] task<> nack(loop_clock::duration delay = {}, std::string reason = {});
  /// As ack, and sends messages in the same append: both happen or neither does. It waits for no room.
  [[nodiscard]] task<std::vector<std::uint64_t>> ack_and_send(std::span<const outgoing> all);
  /// The lease ends so long from now.
  [[nodiscard]] task<> extend(loop_clock::duration time);

 private:
  void drop() noexcept;
  [[nodiscard]] std::shared_ptr<detail::queue_engine> held(const char* call) const;

  std::shared_ptr<detail::queue_engine> from_;
  std::uint64_t id_, token_;
  std::uint32_t group_, attempt_;
  std::string key_, body_;
};

}  // namespace braid::messaging
