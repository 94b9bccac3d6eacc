#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "braid/base/detail/assert.hpp"
#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/sync/detail/channel_queue.hpp"
#include "braid/sync/detail/claim_sender.hpp"
#include "braid/sync/overflow.hpp"

namespace braid {

/// A queue of elements between operations of one loop. Many may send and many may receive; each element
/// reaches one receive.
///
///     channel<job> jobs(16);
///     co_await jobs.send(job{1});
///     jobs.close();
///     while (const auto next = co_await jobs.receive()) work_on(*next);  // until it is closed and empty
///
/// First come, first served, among the waiting sends and among the waiting receives. close() says that
/// nothing more will be sent: elements that were sent before, and those of waiting sends, are still received.
/// close(cause) says, too, that they are not all: a receive that finds no more elements fails with the cause.
/// close_now() is for the receiving side, when it wants no more: waiting sends fail, and so does every later
/// one. Both sides share one object, so the channel cannot see that a side is gone: the side says so.
///
/// elements() makes the channel a range, for the views and for what walks along ranges:
///
///     channel<std::string> names(4);
///     co_await names.send("one");
///     names.close();
///     co_await for_each_concurrent(names.elements(), 2, fetch);
///
/// A channel with an overflow policy drops elements instead of letting sends wait, and counts them.
///
/// A send that fails, times out or loses a select destroys its element. There are two ways to keep it:
/// send_from(element) moves the element only when it is sent, and reserve() waits for room before there is an
/// element at all.
///
/// Lifetime  outlives its permits and the operations that wait. Its end destroys the elements that are left.
/// Threads   one loop's. Another thread sends through that loop, best to an unbounded channel:
///           home.post([&] { (void)jobs.try_send(job{1}); }).
/// Errors    send, send_from and reserve fail with errc::channel_closed after close(), whatever its cause. An
///           exception of moving an element is the error of the send if the element was not sent yet, else of
///           the receive, and then the element is lost. If a receive is destroyed before it has finished, its
///           element becomes the first again; if there is no memory for that, the unhandled-error handler
///           gets the error.
/// Cancel    a cancelled send has not sent; a cancelled receive takes no element. If the hand-over took place
///           before the stop request arrived, the operation completes with what it got.
/// Cost      no allocation per element, except for a T whose move may throw: the ring grows up to the
///           capacity and is kept. An operation that need not wait does not suspend; a loop of such
///           operations needs a yield() now and then, or nothing else runs.
template <class T>
class channel : pinned {
  using queue = detail::channel_queue<T>;
  using kept = typename queue::kept;
  using to_send = typename queue::to_send;
  using to_receive = typename queue::to_receive;
  struct sending;
  struct sending_from;
  struct reserving;
  struct receiving;

 public:
  /// The capacity with which no send waits.
  static constexpr std::size_t unbounded = ~std::size_t{0};

  /// Room for one element, reserved for the holder; its end gives the room back.
  ///
  /// Lifetime  the channel outlives it.
  class [[nodiscard]] permit {
   public:
    permit(permit&& other) noexcept : on_(std::exchange(other.on_, nullptr)) {}
    permit& operator=(permit other) noexcept {
      std::swap(on_, other.on_);
      return *this;
    }
    ~permit() {
      if (on_ != nullptr) on_->give_up_permit();
    }
    /// Sends at once, even if the channel was closed meanwhile, and uses the permit up.
    /// Errors  std::logic_error when it was used or moved from. std::bad_alloc when the ring must grow and
    ///         there is no memory, or what moving the value throws: the permit is still good then.
    void send(T value) {
      if (on_ == nullptr) throw std::logic_error("channel::permit::send: the permit was used already");
      on_->put_by_permit(std::move(value));
      on_ = nullptr;
    }
    /// True while it can still send.
    [[nodiscard]] explicit operator bool() const noexcept { return on_ != nullptr; }

   private:
    friend channel;
    explicit permit(queue& on) noexcept : on_(&on) {}
    queue* on_;
  };

  /// What elements() returns: next() is a receive.
  ///
  /// Lifetime  the channel outlives it. Its end closes nothing.
  class element_range {
   public:
    [[nodiscard]] auto next() noexcept { return from_->receive(); }

   private:
    friend channel;
    explicit element_range(channel& from) noexcept : from_(&from) {}
    channel* from_;
  };

  /// At most `capacity` elements wait in the channel. With 0 it is a rendezvous: a send completes when its
  /// element is received.
  explicit channel(std::size_t capacity) noexcept : queue_(capacity, overflow::wait) {}
  /// With a policy for elements that find no room. overflow::latest makes the capacity 1. A send that drops
  /// an element completes at once, and try_send returns true. A dropped oldest element is destroyed within
  /// the send; a dropped newest one stays as it was, where send_from or try_send was given it. A permit's
  /// room stays reserved: if that is all the room, a send drops its own element. A reserve waits for room.
  /// Errors  std::invalid_argument for a policy that drops and a capacity of 0.
  channel(std::size_t capacity, overflow policy) : queue_(capacity, policy) {
    if (capacity == 0 && policy != overflow::wait)
      throw std::invalid_argument("channel: a channel that drops elements needs a capacity");
  }
  ~channel() {
    if (queue_.has_permits()) detail::misused("~channel: a permit of it is still held");
  }

  /// A sender of void: completes once the element is in the channel, or received.
  [[nodiscard]] auto send(T value) { return detail::claim_sender(sending{queue_, std::move(value)}); }
  /// Like send, but moves from the element only if it is sent; otherwise the element stays as it is.
  /// Lifetime  the element must stay at its address until the operation has ended.
  [[nodiscard]] auto send_from(T& element) noexcept {
    return detail::claim_sender(sending_from{queue_, element});
  }
  /// A sender of permit: waits for room, as a send does. On a rendezvous channel it waits for a waiting
  /// receive, which then waits for the permit; if that receive is withdrawn, the element is kept for the next
  /// one.
  [[nodiscard]] auto reserve() noexcept { return detail::claim_sender(reserving{queue_}); }
  /// A sender of std::optional<T>: empty once the channel is closed, has no elements, and no permit is left.
  /// Errors  the cause of close(cause), in the place of the empty optional.
  [[nodiscard]] auto receive() noexcept { return detail::claim_sender(receiving{queue_}); }
  /// The elements as an async_range, each received once: several ranges of one channel share them. A view or
  /// a walk that ends early leaves the elements that it has not received in the channel.
  [[nodiscard]] element_range elements() noexcept { return element_range(*this); }

  /// Sends if that is possible at once; else returns false and leaves the value as it was.
  template <class U>
  [[nodiscard]] bool try_send(U&& value) {
    return !queue_.is_closed() && queue_.put_or_drop(std::forward<U>(value));
  }
  /// A permit if there is room now.
  [[nodiscard]] std::optional<permit> try_reserve() noexcept {
    if (queue_.is_closed() || !queue_.take_permit(nullptr)) return std::nullopt;
    return permit(queue_);
  }
  /// An element if there is one now.
  [[nodiscard]] std::optional<T> try_receive() {
    std::optional<kept> taken;
    queue_.take_into(taken, false);
    if constexpr (std::is_same_v<kept, T>)
      return taken;
    else
      return taken ? std::optional<T>(std::move(detail::unboxed(*taken))) : std::nullopt;
  }

  /// Ends sending: only waiting sends and existing permits still send; a waiting reserve fails. A receive
  /// that waits for an element that will never come completes with an empty optional. Closing twice is no
  /// error.
  void close() noexcept {
    queue_.close_for([](const to_send& waits) { return waits.value_to_send == nullptr; });
  }
  /// Like close; and every receive that finds no more elements fails with this error. The first close
  /// decides: a later one changes no cause and adds none.
  ///
  ///     channel<int> numbers(4);
  ///     numbers.close(error(std::errc::connection_reset));  // there were to be more
  ///     const auto next = co_await as_result(numbers.receive());  // no end that looks like success
  ///
  /// Lifetime  the channel outlives the receives that fail with it, until they have finished.
  void close(error cause) noexcept {
    if (!queue_.is_closed()) queue_.set_cause(std::move(cause));
    close();
  }
  /// Like close, but waiting sends fail, too. Elements in the channel can still be received.
  void close_now() noexcept {
    queue_.close_for([](const to_send&) { return true; });
  }
  [[nodiscard]] bool is_closed() const noexcept { return queue_.is_closed(); }
  /// How many elements are in the channel: sent, and not taken by a receive. Waiting sends do not count.
  [[nodiscard]] std::size_t size() const noexcept { return queue_.size(); }
  [[nodiscard]] bool empty() const noexcept { return queue_.size() == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept { return queue_.capacity(); }
  /// How many elements the overflow policy has dropped in total.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return queue_.dropped(); }

 private:
  struct sending : to_send {
    using value_type = void;
    using queued_as = to_send;
    static constexpr const char* name = "channel::send";
    sending(queue& which, T&& what) : to_send(which), value(std::move(what)) {}
    [[nodiscard]] bool try_now() {
      this->refused = this->on->is_closed();
      return this->refused || this->on->put_or_drop(std::move(value));
    }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept {
      this->value_to_send = std::addressof(detail::unboxed(value));
      return this->on->senders();
    }
    void take() const noexcept {}
    void give_back() const noexcept {}  // cannot be undone: the element was received
    [[nodiscard]] error failure() const { return this->failure_of(name); }
    kept value;
  };

  struct sending_from : to_send {
    using value_type = void;
    using queued_as = to_send;
    static constexpr const char* name = "channel::send_from";
    sending_from(queue& which, T& what) noexcept : to_send(which), value(std::addressof(what)) {}
    [[nodiscard]] bool try_now() {
      this->refused = this->on->is_closed();
      return this->refused || this->on->put_or_drop(std::move(*value));
    }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept {
      this->value_to_send = value;
      return this->on->senders();
    }
    void take() const noexcept {}
    void give_back() const noexcept {}
    [[nodiscard]] error failure() const { return this->failure_of(name); }
    T* value;
  };

  struct reserving : to_send {
    using value_type = permit;
    using queued_as = to_send;
    static constexpr const char* name = "channel::reserve";
    explicit reserving(queue& which) noexcept : to_send(which) {}
    [[nodiscard]] bool try_now() noexcept {
      this->refused = this->on->is_closed();
      return this->refused || this->on->take_permit(nullptr);
    }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept {
      this->value_to_send = nullptr;
      return this->on->senders();
    }
    [[nodiscard]] permit take() const noexcept { return permit(*this->on); }
    void give_back() const noexcept {
      if (!this->failed()) this->on->give_up_permit();
    }
    [[nodiscard]] error failure() const { return this->failure_of(name); }
  };

  struct receiving : to_receive {
    using value_type = std::optional<T>;
    using queued_as = to_receive;
    static constexpr const char* name = "channel::receive";
    using to_receive::to_receive;
    [[nodiscard]] bool try_now() { return this->on->take_into(this->got, true) || this->on->has_ended(); }
    [[nodiscard]] detail::waiter_queue& waiters() noexcept { return this->on->receivers(); }
    void on_wait() noexcept {
      if (!this->on->senders().empty()) [[unlikely]]
        this->on->hand_over_to_senders();  // a reserve may wait for this receive
    }
    [[nodiscard]] std::optional<T> take() noexcept(!queue::may_throw) {
      if (!this->got) return std::nullopt;
      // not `got` as a whole: that would be one wide load after two narrow stores
      return std::optional<T>(std::move(detail::unboxed(*this->got)));
    }
    void give_back() noexcept {
      if (this->got) this->on->put_back(*std::move(this->got));
    }
    [[nodiscard]] error failure() const noexcept { return this->on->cause(); }
  };

  queue queue_;
};

}  // namespace braid
