#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "braid/base/pinned.hpp"
#include "braid/redis/value.hpp"

struct redisReader;

namespace braid::redis::detail {

// Makes values of the bytes that a server sends: hiredis's reader, within limits.
//
// Errors  std::bad_alloc, errc::malformed_reply. After either the reader is of no more use.
class reply_reader : pinned {
 public:
  /// A reply takes at most so many bytes of memory.
  explicit reply_reader(std::size_t most_bytes);
  ~reply_reader();

  void feed(const char* bytes, std::size_t size);
  /// The next whole reply, if there is one.
  [[nodiscard]] std::optional<value> next();

  // What hiredis calls sees these.
  struct building {
    const std::size_t most;
    std::size_t bytes = 0;
    bool too_large = false;
    bool malformed = false;
  };

 private:
  struct free_reader {
    void operator()(redisReader* one) const noexcept;
  };
  void check_rest() const;

  building building_;
  std::unique_ptr<redisReader, free_reader> reader_;
};

}  // namespace braid::redis::detail
