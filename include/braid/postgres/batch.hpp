#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "braid/postgres/detail/parameters.hpp"
#include "braid/postgres/statement.hpp"

namespace braid::postgres {

/// Statements that go to the server together. pipeline::run sends them.
///
///     postgres::batch both;
///     both.add("update accounts set cents = cents - $1 where id = $2", 100, 1);
///     both.add("update accounts set cents = cents + $1 where id = $2", 100, 2);
class batch {
 public:
  template <class... Values>
  void add(std::string text, const Values&... values) {
    all_.push_back({std::move(text), {}, detail::made_of(values...)});
  }
  template <class... Values>
  void add(statement which, const Values&... values) {
    all_.push_back({{}, std::move(which), detail::made_of(values...)});
  }
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }

  // For the machinery.
  struct one_statement {
    std::string text;
    statement prepared;  // in its place, if it has a name
    detail::parameters with;
  };
  [[nodiscard]] std::vector<one_statement>& statements() noexcept { return all_; }

 private:
  std::vector<one_statement> all_;
};

}  // namespace braid::postgres
