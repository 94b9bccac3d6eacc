#pragma once

#include <sys/stat.h>

#include <cstdint>

#include "braid/loop/io_outcome.hpp"
#include "braid/loop/request.hpp"

namespace braid::detail {

inline constexpr char read_some_name[] = "read_some", read_at_name[] = "read_at",
                      write_some_name[] = "write_some", write_at_name[] = "write_at",
                      read_exactly_name[] = "read_exactly", write_all_name[] = "write_all";

// [sync_outcome]
template <const char* Name>
struct done_outcome {
  using value_type = void;
  static constexpr const char* name() noexcept { return Name; }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
};
inline constexpr char sync_name[] = "sync", datasync_name[] = "datasync", truncate_name[] = "truncate";
// [/sync_outcome]

struct lock_outcome {
  using value_type = bool;
  static constexpr const char* name() noexcept { return "try_lock"; }
  result<bool> operator()(std::int32_t ended, const request&) const noexcept { return ended == 0; }
};

struct size_outcome {
  using value_type = std::uint64_t;
  static constexpr const char* name() noexcept { return "size"; }
  static constexpr io_hooks hooks{.prepare = true};
  [[nodiscard]] int prepare(request& what) noexcept {
    what.address = const_cast<char*>("");
    what.offset = reinterpret_cast<std::uint64_t>(&found);
    return 0;
  }
  result<std::uint64_t> operator()(std::int32_t, const request&) const noexcept { return found.stx_size; }
  struct statx found{};
};

}  // namespace braid::detail
