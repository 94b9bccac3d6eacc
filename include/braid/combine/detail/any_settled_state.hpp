#pragma once

#include <cstddef>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "braid/combine/detail/settled.hpp"

namespace braid {
template <class Results>
struct any_settled;
}  // namespace braid

namespace braid::detail {

// A when_all_settled that stops the others when the first operation ends.
template <class R>
class any_settled_base : public settled_base<R> {
 public:
  using settled_base<R>::settled_base;
  template <class Child>
  void on_finish(Child&, std::size_t index) noexcept {
    if (std::exchange(decided_, true)) return;
    first_ = index;
    this->stop_children();
  }

 protected:
  ~any_settled_base() = default;
  std::size_t first_ = 0;

 private:
  bool decided_ = false;
};

template <class R, sender... S>
class any_settled_pack final : public any_settled_base<R> {
 public:
  using value_type = any_settled<std::tuple<result<value_of<S>>...>>;
  any_settled_pack(std::tuple<S...>&& ops, R receiver)
      : any_settled_base<R>(std::move(receiver)), children_(*this, std::move(ops)) {}
  void start() noexcept { this->start_with("when_any_settled", children_); }

 private:
  void complete() noexcept override {
    this->finish([this] {
      return children_.apply(
          [this](auto&... each) { return value_type{this->first_, {std::move(each.ended_result())...}}; });
    });
  }
  pack_children<any_settled_pack, std::index_sequence_for<S...>, S...> children_;
};

template <class R, sender S>
class any_settled_range final : public any_settled_base<R> {
 public:
  using value_type = any_settled<std::vector<result<value_of<S>>>>;
  any_settled_range(pool_vector<S>&& ops, R receiver)
      : any_settled_base<R>(std::move(receiver)), children_(*this, std::move(ops)) {}
  void start() noexcept { this->start_with("when_any_settled", children_); }

 private:
  void complete() noexcept override {
    if (children_.size() == 0)
      return this->finish(
          []() -> value_type { throw std::invalid_argument("when_any_settled: the range is empty"); });
    this->finish([this] {
      value_type all{this->first_, {}};
      all.results.reserve(children_.size());
      for (auto& each : children_) all.results.push_back(std::move(each.ended_result()));
      return all;
    });
  }
  range_children<any_settled_range, S> children_;
};

template <sender... S>
struct any_settled_pack_sender {
  using sender_concept = sender_tag;
  using value_type = any_settled<std::tuple<result<value_of<S>>...>>;
  std::tuple<S...> ops;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return any_settled_pack<R, S...>(std::move(ops), std::move(receiver));
  }
};

template <sender S>
struct any_settled_range_sender {
  using sender_concept = sender_tag;
  using value_type = any_settled<std::vector<result<value_of<S>>>>;
  pool_vector<S> ops;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return any_settled_range<R, S>(std::move(ops), std::move(receiver));
  }
};

}  // namespace braid::detail
