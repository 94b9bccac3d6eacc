#include "braid/core/stop_token.hpp"

#include "braid/base/detail/assert.hpp"
#include "braid/base/detail/nested_call.hpp"

namespace braid {

void stop_callback_base::attach(stop_token to) noexcept {
  stop_source* const source = to.source_;
  source_.store(source, std::memory_order_relaxed);
  if (source->add(*this)) return;
  source_.store(nullptr, std::memory_order_relaxed);
  execute_(*this, source->reason());
}

void stop_callback_base::unregister() noexcept {
  if (stop_source* const source = source_.load(std::memory_order_acquire)) source->remove(*this);
}

// During a request a callback may destroy its source, but only if no other callback is still registered.
void stop_source::ends_early() noexcept {
  if (callbacks_ != nullptr)
    detail::misused(
        "~stop_source: an operation still obeys its token, or a stop_callback is registered; the source "
        "must outlive them");
  asking_->source_gone = true;
}

// Spins, because the lock is held for a few instructions only and never while a callback runs.
stop_source::word stop_source::lock() noexcept {
  for (int spins = 0;; ++spins) {
    word seen = state_.load(std::memory_order_relaxed);
    if ((seen & locked) == 0 && state_.compare_exchange_weak(seen, seen | locked, std::memory_order_acquire,
                                                             std::memory_order_relaxed))
      return seen;
    if (spins > 64) std::this_thread::yield();
  }
}

bool stop_source::add(stop_callback_base& callback) noexcept {
  if (stop_requested()) return false;
  const word state = lock();
  if ((state & requested) != 0) return unlock(state), false;
  callback.next_ = callbacks_;
  callback.link_ = &callbacks_;
  if (callbacks_ != nullptr) callbacks_->link_ = &callback.next_;
  callbacks_ = &callback;
  unlock(state);
  return true;
}

// Races with request_stop, which unlinks a callback before it runs it: the first to unlink wins. A remover
// that loses waits until the callback has run. If the callback removes itself, it sets *gone_ instead.
void stop_source::remove(stop_callback_base& callback) noexcept {
  const word state = lock();
  if (callback.link_ != nullptr) {
    *callback.link_ = callback.next_;
    if (callback.next_ != nullptr) callback.next_->link_ = callback.link_;
    return unlock(state);
  }
  remove_executing(callback, state);
}

void stop_source::remove_executing(stop_callback_base& callback, word state) noexcept {
  const bool by_this = asking_ != nullptr && asking_->by == std::this_thread::get_id();
  unlock(state);
  if (!by_this) return callback.source_.wait(this, std::memory_order_acquire);
  *callback.gone_ = true;
}

bool stop_source::request_stop(stop_reason why) noexcept {
  if (stop_requested()) return false;
  if (why == stop_reason::none) why = stop_reason::requested;
  word state = lock();
  if ((state & requested) != 0) return unlock(state), false;
  state |= requested | static_cast<word>(why) << reason_shift;
  if (callbacks_ == nullptr) return unlock(state), true;
  detail::nested_call([&]() noexcept { run_callbacks(state); });
  return true;
}

// A callback may request stop at another source, and that one's callbacks at a third, to any depth.
void stop_source::run_callbacks(word state) noexcept {
  const auto why = static_cast<stop_reason>(state >> reason_shift);
  asking now;
  asking_ = &now;
  do {
    stop_callback_base& callback = *callbacks_;
    callbacks_ = callback.next_;
    if (callbacks_ != nullptr) callbacks_->link_ = &callbacks_;
    callback.link_ = nullptr;
    bool gone = false;
    callback.gone_ = &gone;
    unlock(state);
    callback.execute_(callback, why);
    if (!gone) {
      callback.source_.store(nullptr, std::memory_order_release);
      callback.source_.notify_all();
    }
    if (now.source_gone) return;
    lock();
  } while (callbacks_ != nullptr);
  asking_ = nullptr;
  unlock(state);
}

}  // namespace braid
