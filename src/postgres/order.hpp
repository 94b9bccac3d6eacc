#pragma once

#include <string>
#include <utility>

#include "braid/postgres/detail/parameters.hpp"
#include "braid/postgres/statement.hpp"
#include "link.hpp"

namespace braid::postgres::detail {

/// What is sent: a text with parameters, or a prepared statement with them, or a text that becomes one.
struct order {
  std::string text, name;
  bool prepares = false;
  parameters with{};
  order(std::string its_text, std::string its_name, bool does_prepare, parameters its_parameters)
      : text(std::move(its_text)),
        name(std::move(its_name)),
        prepares(does_prepare),
        with(std::move(its_parameters)) {}
};

/// Fails as cancelled if stop was requested already: then the server gets no statement.
[[nodiscard]] task<> not_stopped();
/// The link of a connection. Throws if it was never open, or moved from.
[[nodiscard]] link& open(link* over, const char* call);
/// Throws std::invalid_argument for a text that has a zero byte.
void check_text(const std::string& text, const char* call);
/// Throws std::invalid_argument if it cannot be sent.
void check(const order& what, const char* call);
/// Hands it to libpq. False if libpq does not take it.
[[nodiscard]] bool send(link& over, const order& what);
/// The name of a statement that was prepared on this connection.
[[nodiscard]] std::string name_of(link* on, const statement& which, const char* call);

}  // namespace braid::postgres::detail
