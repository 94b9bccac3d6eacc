#pragma once

#include <map>
#include <string>

#include "braid/loop/clock.hpp"
#include "braid/postgres/connection_options.hpp"
#include "braid/style/task.hpp"

namespace braid::postgres::detail {

/// The parameters with which libpq connects.
struct settings {
  std::map<std::string, std::string> parameters;
  loop_clock::duration within{};
  std::string shown;  // the hosts, for messages
};

/// From a connection string and the options. Throws std::invalid_argument.
[[nodiscard]] settings settings_of(const std::string& to, const connection_options& how);
/// Looks up the names of the hosts and sets `hostaddr`, so that libpq does not.
[[nodiscard]] task<> find_hosts(settings& of);

}  // namespace braid::postgres::detail
