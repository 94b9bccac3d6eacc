#pragma once

#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "braid/base/detail/pinned_array.hpp"
#include "braid/base/detail/pool_vector.hpp"
#include "braid/combine/detail/join_child.hpp"
#include "braid/core/any_result.hpp"

// The operations of a join, given as a tuple of senders or as a vector of them, and the types of their
// results together.

namespace braid::detail {

template <class Ops>
struct joined;
template <sender... S>
struct joined<std::tuple<S...>> {
  using values = std::tuple<regular<value_of<S>>...>;
  using results = std::tuple<result<value_of<S>>...>;
  using any_value = any_result<std::variant<regular<value_of<S>>...>>;
};
template <sender S>
struct joined<pool_vector<S>> {
  using values = std::conditional_t<std::is_void_v<value_of<S>>, void, std::vector<regular<value_of<S>>>>;
  using results = std::vector<result<value_of<S>>>;
  using any_value = any_result<regular<value_of<S>>>;
};

/// start_all(); the values() of all, the results() of all; the result_of(index) one, with the index.
template <class Join, class Ops>
class join_children;

template <class Join, std::size_t I, sender S>
struct pack_child {
  pack_child(Join& join, S&& op) : child(join, I, std::move(op)) {}
  join_child<Join, S> child;
};

template <class Join, class Indices, sender... S>
class pack_children;
// Base classes, which compile in half the time of a std::tuple.
template <class Join, std::size_t... I, sender... S>
class pack_children<Join, std::index_sequence<I...>, S...> : pack_child<Join, I, S>... {
  using types = joined<std::tuple<S...>>;

 public:
  pack_children(Join& join, std::tuple<S...>&& ops)
      : pack_child<Join, I, S>(join, std::get<I>(std::move(ops)))... {}
  void start_all() noexcept { (pack_child<Join, I, S>::child.start(), ...); }
  [[nodiscard]] auto values() { return typename types::values(pack_child<Join, I, S>::child.take()...); }
  [[nodiscard]] auto results() {
    return typename types::results(std::move(pack_child<Join, I, S>::child.ended_result())...);
  }
  [[nodiscard]] result<typename types::any_value> result_of(std::size_t index) noexcept {
    std::optional<result<typename types::any_value>> found;
    ((I == index ? void(found.emplace(tagged<I>(pack_child<Join, I, S>::child))) : void()), ...);
    return *std::move(found);
  }
  [[nodiscard]] auto& first_result() noexcept { return first(*this).ended_result(); }

 private:
  template <sender First>
  static join_child<Join, First>& first(pack_child<Join, 0, First>& base) noexcept {
    return base.child;
  }
  template <std::size_t Index, class Child>
  static result<typename types::any_value> tagged(Child& child) noexcept {
    using any_value = typename types::any_value;
    if (!child.ended_result()) return std::move(child.ended_result()).error();
    return capture([&] {
      return any_value{Index, decltype(any_value::value)(std::in_place_index<Index>, child.take())};
    });
  }
};
template <class Join, sender... S>
class join_children<Join, std::tuple<S...>>
    : public pack_children<Join, std::index_sequence_for<S...>, S...> {
  using pack_children<Join, std::index_sequence_for<S...>, S...>::pack_children;
};

template <class Join, sender S>
class join_children<Join, pool_vector<S>> {
  using child = join_child<Join, S>;
  using types = joined<pool_vector<S>>;

 public:
  join_children(Join& join, pool_vector<S>&& ops)
      : children_(ops.size(), [&](std::size_t index) { return child(join, index, std::move(ops[index])); }) {}

  void start_all() noexcept {
    for (child *each = children_.begin(), *const end = children_.end(); each != end; ++each) each->start();
  }
  [[nodiscard]] auto values() {
    if constexpr (!std::is_void_v<value_of<S>>)
      return all<typename types::values>([](child& each) { return each.take(); });
  }
  [[nodiscard]] auto results() {
    return all<typename types::results>(
        [](child& each) -> result<value_of<S>>&& { return std::move(each.ended_result()); });
  }
  [[nodiscard]] result<typename types::any_value> result_of(std::size_t index) noexcept {
    child& chosen = children_[index];
    if (!chosen.ended_result()) return std::move(chosen.ended_result()).error();
    return capture([&] { return typename types::any_value{index, chosen.take()}; });
  }

 private:
  template <class All, class Of>
  All all(Of of) {
    All all;
    all.reserve(children_.size());
    for (child& each : children_) all.push_back(of(each));
    return all;
  }
  pinned_array<child> children_;
};

}  // namespace braid::detail
