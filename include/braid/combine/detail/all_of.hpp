#pragma once

#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "braid/combine/detail/join.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"

namespace braid::detail {

// The first error stops the other operations.
template <class R>
class all_base : public join_base {
 public:
  explicit all_base(R receiver) : receiver_(std::move(receiver)) {}
  [[nodiscard]] async_frame* frame() noexcept { return receiver_.frame(); }

  template <class Child>
  void on_finish(Child& child, std::size_t) noexcept {
    auto& result = child.ended_result();
    if (result) return;
    const bool decides = !failures_.any();
    failures_.add(std::move(result).error(), this->stopping());
    if (decides) stop_children();
  }

 protected:
  ~all_base() = default;
  template <class Children>
  void start_with(Children& children) noexcept {
    if (!begin(receiver_.get_stop_token())) return std::move(receiver_).finish(no_loop_error("when_all"));
    children.start_all();
    release();
  }
  template <class T, class Make>
  void finish(Make make) noexcept {
    R receiver = std::move(receiver_);
    if (failures_.any()) return std::move(receiver).finish(std::move(failures_).first());
    result<T> all = capture(make);
    std::move(receiver).finish(std::move(all));
  }

 private:
  R receiver_;
  join_failures failures_;
};

template <class R, sender... S>
class all_of_pack final : public all_base<R> {
 public:
  using value_type = std::tuple<regular<value_of<S>>...>;
  all_of_pack(std::tuple<S...>&& ops, R receiver)
      : all_base<R>(std::move(receiver)), children_(*this, std::move(ops)) {}
  void start() noexcept { this->start_with(children_); }

 private:
  void complete() noexcept override {
    this->template finish<value_type>(
        [this] { return children_.apply([](auto&... each) { return value_type(each.take()...); }); });
  }
  pack_children<all_of_pack, std::index_sequence_for<S...>, S...> children_;
};

template <class R, sender S>
class all_of_range final : public all_base<R> {
  static constexpr bool valued = !std::is_void_v<value_of<S>>;

 public:
  using value_type = std::conditional_t<valued, std::vector<regular<value_of<S>>>, void>;
  all_of_range(pool_vector<S>&& ops, R receiver)
      : all_base<R>(std::move(receiver)), children_(*this, std::move(ops)) {}
  void start() noexcept { this->start_with(children_); }

 private:
  void complete() noexcept override {
    if constexpr (valued) {
      this->template finish<value_type>([this] {
        value_type all;
        all.reserve(children_.size());
        for (auto& each : children_) all.push_back(each.take());
        return all;
      });
    } else {
      this->template finish<void>([] {});
    }
  }
  range_children<all_of_range, S> children_;
};

template <sender... S>
struct all_of_pack_sender {
  using sender_concept = sender_tag;
  using value_type = std::tuple<regular<value_of<S>>...>;
  std::tuple<S...> ops;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return all_of_pack<R, S...>(std::move(ops), std::move(receiver));
  }
};

template <sender S>
struct all_of_range_sender {
  using sender_concept = sender_tag;
  using value_type = std::conditional_t<std::is_void_v<value_of<S>>, void, std::vector<regular<value_of<S>>>>;
  pool_vector<S> ops;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return all_of_range<R, S>(std::move(ops), std::move(receiver));
  }
};

}  // namespace braid::detail
