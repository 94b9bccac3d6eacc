#pragma once

#include <string>
#include <utility>

#include "braid/base/pinned.hpp"

namespace braid::redis {

/// A script in Lua that a server runs as one step: nothing else happens in between.
///
///     redis::script take(
///         "local n = tonumber(redis.call('GET', KEYS[1]) or '0') "
///         "if n < tonumber(ARGV[1]) then return 0 end "
///         "redis.call('DECRBY', KEYS[1], ARGV[1]) return 1");
///     std::vector<std::string> keys{"stock:7"}, arguments{"2"};
///     const redis::value taken = co_await db.run(take, std::move(keys), std::move(arguments));
///     use(taken.as<bool>());
///
/// The first run loads it; later ones send its digest alone. A server that does not know it (any more) gets
/// the text once more.
///
/// Lifetime  outlives its runs.
class script : pinned {
 public:
  explicit script(std::string text) : text_(std::move(text)) {}
  /// Declares that running it twice does what running it once does.
  script& idempotent(bool is = true) noexcept {
    idempotent_ = is;
    return *this;
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] bool is_idempotent() const noexcept { return idempotent_; }

  // For a client: the digest, once a server has said it.
  [[nodiscard]] const std::string& digest() const noexcept { return digest_; }
  void set_digest(std::string digest) noexcept { digest_ = std::move(digest); }

 private:
  const std::string text_;
  std::string digest_;
  bool idempotent_ = false;
};

}  // namespace braid::redis
