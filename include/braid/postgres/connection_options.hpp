#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "braid/loop/clock.hpp"
#include "braid/postgres/error.hpp"

namespace braid::postgres {

/// How the server sends values. Both give the same values; binary ones are faster to read, and numeric and
/// some rarer types can only be read from text.
///
///     postgres::connection_options how;
///     how.results = postgres::format::binary;
enum class format { text, binary };

/// How a connection is made, and what it does.
///
///     postgres::connection_options how;
///     how.parameters["application_name"] = "orders";
///     how.connect_within = 3s;
struct connection_options {
  connection_options() {}  // no aggregate, since g++ 12 would destroy the default of an await twice

  /// libpq's parameters, in addition to those of the connection string, and before them: host, port, dbname,
  /// user, password, sslmode, application_name, options and so on.
  std::map<std::string, std::string> parameters{};
  /// For all of connecting, the look-up of names included. The parameter connect_timeout, in seconds,
  /// replaces it.
  loop_clock::duration connect_within = std::chrono::seconds(10);
  /// How long a statement whose stop was requested may take to end. Then the connection is closed.
  loop_clock::duration cancel_within = std::chrono::seconds(5);
  format results = format::text;
  /// Gets what the server says of its own accord. By default that is dropped.
  std::function<void(const server_message&)> on_notice{};
};

}  // namespace braid::postgres
