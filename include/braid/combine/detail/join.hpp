#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/core/any_result.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/core/sender.hpp"
#include "braid/core/sender_range.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/detail/awaitable_sender.hpp"

namespace braid::detail {

/// The base of every join: counts the operations that have not ended, and stops them.
///
/// Threads  its home loop's. A child that ends on another thread is delivered to the home loop first.
class join_base : pinned {
 public:
  [[nodiscard]] stop_token child_stop_token() noexcept { return stop_.get_token(); }
  [[nodiscard]] loop* home() const noexcept { return home_; }
  [[nodiscard]] bool stopping() const noexcept { return stop_.stop_requested(); }

  /// Stopping children can complete and destroy the join: hold it while its members are still needed.
  void hold() noexcept { ++pending_; }
  void release() noexcept {
    if (--pending_ == 0) {
      parent_link_.reset();
      complete();
    }
  }
  void stop_children() noexcept {
    hold();
    stop_.request_stop();
    release();
  }

 protected:
  ~join_base() = default;
  /// False on a thread without a loop.
  [[nodiscard]] bool begin(stop_token parent) noexcept {
    home_ = loop::current_or_null();
    if (home_ == nullptr) return false;
    hold();  // released once all children were started
    if (parent.stop_possible()) parent_link_.emplace(parent, on_parent_stop{this});
    return true;
  }
  virtual void complete() noexcept = 0;  // all have ended: finishes the receiver; may destroy *this

 private:
  struct on_parent_stop {
    join_base* self;
    void operator()() const noexcept {
      if (loop::current_or_null() == self->home_)
        self->stop_children();
      else
        self->stop_.request_stop();  // resetting parent_link_ waits for this call
    }
  };

  loop* home_ = nullptr;
  std::size_t pending_ = 0;
  stop_source stop_;
  std::optional<stop_callback<on_parent_stop>> parent_link_;
};

/// The errors of a join's operations: the first one suppresses the others. A requested cancellation counts
/// only if nothing else failed.
class join_failures {
 public:
  /// stopping: stop of the operation was requested before it failed.
  void add(error failure, bool stopping = false) noexcept {
    if (stopping) failure.set_requested(true);
    if (!first_)
      first_ = std::move(failure);
    else if (failure.is_requested_cancellation())
      suppress_those_of(failure);
    else if (first_->is_requested_cancellation())
      suppress_those_of(std::exchange(*first_, std::move(failure)));
    else
      first_->suppress(std::move(failure));
  }
  [[nodiscard]] bool any() const noexcept { return first_.has_value(); }
  [[nodiscard]] bool of_clean_up() const noexcept { return first_ && first_->of_clean_up(); }
  void clear() noexcept { first_.reset(); }
  /// True if one of these errors is the same failure, which arrived a second time in another way.
  [[nodiscard]] bool contain(const error& failure) const noexcept {
    const auto same = [&](const error& known) { return same_failure(known, failure); };
    return first_ && (same(*first_) || std::ranges::any_of(first_->suppressed(), same));
  }
  [[nodiscard]] error first() && noexcept { return *std::move(first_); }

 private:
  // A failure that was thrown and caught is a copy with the same exception and the same stack.
  static bool same_failure(const error& left, const error& right) noexcept {
    if (const auto held = left.exception()) return held == right.exception();
    return left == right && std::ranges::equal(left.stack(), right.stack(), [](const auto& a, const auto& b) {
             return a.line() == b.line() && a.column() == b.column() && a.file_name() == b.file_name();
           });
  }
  // Keeps what a dropped cancellation had suppressed, for instance the failed attempts of a retry.
  void suppress_those_of(const error& canceled) noexcept {
    for (const error& each : canceled.suppressed()) first_->suppress(each);
  }
  std::optional<error> first_;
};

/// One operation of a join, with its result. Calls Join::on_finish(child, index).
template <class Join, sender S>
class join_child : operation_base {
 public:
  using value_type = value_of<S>;

  join_child(Join& join, std::size_t index, S&& op)
      : operation_base(on_delivery),
        join_(join),
        index_(index),
        state_(connect(std::move(op), receiver{this})) {}

  void start() noexcept {
    join_.hold();
    if (join_.stopping())
      return end(error(std::errc::operation_canceled));  // an earlier child has decided the join
    state_.start();
  }
  [[nodiscard]] result<value_type>& ended_result() noexcept { return *result_; }

  regular<value_type> take() {
    if constexpr (std::is_void_v<value_type>)
      return {};
    else
      return **std::move(result_);
  }

 private:
  struct receiver {
    join_child* self;
    void finish(result<value_type> with) && noexcept { self->end(std::move(with)); }
    [[nodiscard]] stop_token get_stop_token() const noexcept { return self->join_.child_stop_token(); }
    [[nodiscard]] async_frame* frame() const noexcept { return self->join_.frame(); }
  };

  void end(result<value_type>&& with) noexcept {
    result_.emplace(std::move(with));
    if (loop::current_or_null() != join_.home()) return join_.home()->operations().deliver(*this);
    report_finish();
  }
  static void on_delivery(operation_base& base, completion) noexcept {
    static_cast<join_child&>(base).report_finish();
  }
  void report_finish() noexcept {
    join_.on_finish(*this, index_);
    join_.release();
  }

  Join& join_;
  const std::size_t index_;
  std::optional<result<value_type>> result_;
  connected<S, receiver> state_;
};

template <class Join, std::size_t I, sender S>
struct pack_child {
  pack_child(Join& join, S&& op) : child(join, I, std::move(op)) {}
  join_child<Join, S> child;
};

/// The operations of a join over a pack: base classes, which compile in half the time of a std::tuple.
template <class Join, class Indices, sender... S>
class pack_children;
template <class Join, std::size_t... I, sender... S>
class pack_children<Join, std::index_sequence<I...>, S...> : pack_child<Join, I, S>... {
 public:
  pack_children(Join& join, std::tuple<S...>&& ops)
      : pack_child<Join, I, S>(join, std::get<I>(std::move(ops)))... {}
  void start_all() noexcept { (pack_child<Join, I, S>::child.start(), ...); }
  template <class F>
  decltype(auto) apply(F&& f) {
    return std::forward<F>(f)(pack_child<Join, I, S>::child...);
  }
};

template <class T>
using pool_vector = std::vector<T, pool_allocator<T>>;

/// The operations of a join over a range: immovable objects in one block of the frame pool.
template <class Join, sender S>
class range_children : pinned {
 public:
  using child = join_child<Join, S>;
  range_children(Join& join, pool_vector<S>&& ops)
      : children_(ops.empty() ? nullptr : pool_allocator<child>().allocate(ops.size())),
        capacity_(ops.size()) {
    try {
      for (; size_ < capacity_; ++size_) new (children_ + size_) child(join, size_, std::move(ops[size_]));
    } catch (...) {
      clear();
      throw;
    }
  }
  ~range_children() { clear(); }

  void start_all() noexcept {
    for (child& each : *this) each.start();
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] child* begin() noexcept { return children_; }
  [[nodiscard]] child* end() noexcept { return children_ + size_; }

 private:
  void clear() noexcept {
    std::destroy_n(children_, size_);
    if (children_ != nullptr) pool_allocator<child>().deallocate(children_, capacity_);
  }
  child* const children_;
  const std::size_t capacity_;
  std::size_t size_ = 0;
};

/// Arguments that the joins reject: neither operations nor one range of them.
template <class... X>
concept no_join_of =
    sizeof...(X) > 0 && !(sender_or_factory<X> && ...) && !(sizeof...(X) == 1 && (sender_range<X> && ...));

template <sender_range Range>
auto collect(Range&& range) {
  pool_vector<sender_of<std::ranges::range_value_t<Range>>> ops;
  if constexpr (std::ranges::sized_range<Range>) ops.reserve(std::ranges::size(range));
  for (auto&& each : range) ops.push_back(as_sender(std::move(each)));
  return ops;
}

}  // namespace braid::detail
