#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "braid/combine/detail/join.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"

namespace braid::detail {

// Keeps every result; no error stops the others.
template <class R>
class settled_base : public join_base {
 public:
  explicit settled_base(R receiver) : receiver_(std::move(receiver)) {}
  [[nodiscard]] async_frame* frame() noexcept { return receiver_.frame(); }
  template <class Child>
  void on_finish(Child&, std::size_t) noexcept {}

 protected:
  ~settled_base() = default;
  template <class Children>
  void start_with(const char* call, Children& children) noexcept {
    if (!begin(receiver_.get_stop_token())) return std::move(receiver_).finish(no_loop_error(call));
    children.start_all();
    release();
  }
  template <class Make>
  void finish(Make make) noexcept {
    R receiver = std::move(receiver_);
    auto all = capture(make);
    std::move(receiver).finish(std::move(all));
  }

 private:
  R receiver_;
};

template <class R, sender... S>
class settled_pack final : public settled_base<R> {
 public:
  using value_type = std::tuple<result<value_of<S>>...>;
  settled_pack(std::tuple<S...>&& ops, R receiver)
      : settled_base<R>(std::move(receiver)), children_(*this, std::move(ops)) {}
  void start() noexcept { this->start_with("when_all_settled", children_); }

 private:
  void complete() noexcept override {
    this->finish([this] {
      return children_.apply([](auto&... each) { return value_type(std::move(each.ended_result())...); });
    });
  }
  pack_children<settled_pack, std::index_sequence_for<S...>, S...> children_;
};

template <class R, sender S>
class settled_range final : public settled_base<R> {
 public:
  using value_type = std::vector<result<value_of<S>>>;
  settled_range(pool_vector<S>&& ops, R receiver)
      : settled_base<R>(std::move(receiver)), children_(*this, std::move(ops)) {}
  void start() noexcept { this->start_with("when_all_settled", children_); }

 private:
  void complete() noexcept override {
    this->finish([this] {
      value_type all;
      all.reserve(children_.size());
      for (auto& each : children_) all.push_back(std::move(each.ended_result()));
      return all;
    });
  }
  range_children<settled_range, S> children_;
};

template <sender... S>
struct settled_pack_sender {
  using sender_concept = sender_tag;
  using value_type = std::tuple<result<value_of<S>>...>;
  std::tuple<S...> ops;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return settled_pack<R, S...>(std::move(ops), std::move(receiver));
  }
};

template <sender S>
struct settled_range_sender {
  using sender_concept = sender_tag;
  using value_type = std::vector<result<value_of<S>>>;
  pool_vector<S> ops;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return settled_range<R, S>(std::move(ops), std::move(receiver));
  }
};

}  // namespace braid::detail
