#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <string>

#include "openssl.hpp"

namespace braid::tls::detail {

// A client's sessions for later connections, each with the name of what it was a connection to. Any thread.
class session_cache {
 public:
  explicit session_cache(std::size_t most) noexcept : most_(most) {}
  /// Keeps the session; drops the oldest one if there are too many, of this name or together.
  void put(const std::string& name, session_ptr session);
  /// The newest of that name, or null. A session of TLS 1.3 leaves the cache: its ticket is for one use.
  [[nodiscard]] session_ptr take(const std::string& name);
  [[nodiscard]] std::size_t size() const;

 private:
  struct entry {
    std::string name;
    session_ptr session;
  };
  const std::size_t most_;
  mutable std::mutex door_;
  std::list<entry> entries_;  // the newest first
};

}  // namespace braid::tls::detail
