#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "braid/base/pinned.hpp"
#include "braid/base/result.hpp"
#include "braid/redis/subscription.hpp"
#include "braid/style/future.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/event.hpp"
#include "server_link.hpp"

namespace braid::redis::detail {

// The coroutine run() keeps the subscription, over one connection at a time, and puts what arrives into a
// channel.
class subscription_core : pinned, public std::enable_shared_from_this<subscription_core> {
 public:
  subscription_core(std::shared_ptr<settings> how, topics wanted);

  /// Completes once it is subscribed for the first time.
  [[nodiscard]] static task<redis::subscription> open(std::shared_ptr<settings> how, topics wanted);
  [[nodiscard]] static task<std::optional<message>> next(std::shared_ptr<subscription_core> self);
  void close() noexcept;
  [[nodiscard]] bool is_connected() const noexcept { return is_subscribed_; }

 private:
  class ended_run : pinned {
   public:
    explicit ended_run(subscription_core& of) noexcept : of_(of) {}
    ~ended_run() { of_.on_run_ended(); }

   private:
    subscription_core& of_;
  };

  [[nodiscard]] static task<> run(std::shared_ptr<subscription_core> self);
  void on_run_ended() noexcept;
  [[nodiscard]] task<> connect_and_listen();
  [[nodiscard]] task<> receive_messages();
  [[nodiscard]] task<> watch_link();
  [[nodiscard]] task<> take(value reply);
  void report(const error& why);
  void end(const error& why) noexcept;

  const std::shared_ptr<settings> how_;
  const topics wanted_;
  channel<result<message>> arrived_;
  std::unique_ptr<server_link> at_;
  bool has_asked_ = false;  // all of the request to subscribe is written
  std::size_t unconfirmed_ = 0;  // channels and patterns
  bool is_subscribed_ = false;
  bool was_subscribed_ = false;
  bool is_ended_ = false;  // the channel is closed
  bool is_held_up_ = false;  // by a reader that does not keep up
  loop_clock::time_point last_life_{};
  loop_clock::time_point down_since_{};
  std::optional<error> last_failure_;
  event settled_;  // subscribed for the first time, or failed for good
  std::optional<future<void>> running_;
  bool runs_ = false;
};

}  // namespace braid::redis::detail
