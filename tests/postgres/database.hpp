#pragma once

#include <string>

#include "background_server.hpp"

namespace braid_tests {

/// A PostgreSQL server in a folder of its own, started for the first test that wants it and stopped when the
/// tests have ended.
class database {
 public:
  /// The server; null, after it has said so, where PostgreSQL is not installed.
  static database* started();

  /// Connects over the server's Unix-domain socket, as its superuser.
  [[nodiscard]] const std::string& dsn() const noexcept { return dsn_; }
  /// The TCP port, on 127.0.0.1.
  [[nodiscard]] const std::string& port() const noexcept { return port_; }
  /// Waits until it takes connections again after the death of one of its processes.
  void wait_until_recovered() { server_.wait_until_it_says("ready to accept connections"); }
  void drain() { server_.drain(); }

  database(const std::string& programs, std::string folder, const server_user& as);

 private:
  std::string port_, dsn_;
  background_server server_;
};

}  // namespace braid_tests

/// Declares `at`, the server; ends the test where there is none.
#define WITH_DATABASE(at)                                                       \
  braid_tests::database* const at##_or_null = braid_tests::database::started(); \
  if (at##_or_null == nullptr) return;                                          \
  braid_tests::database& at = *at##_or_null;                                    \
  at.drain()
