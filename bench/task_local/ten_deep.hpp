#pragma once

#include <braid/braid.hpp>

#include <cstdint>
#include <utility>

/// The value that is read, and the ten tasks between it and its reader.
namespace ten_deep {

inline const braid::task_local<std::uint64_t> one(0);

inline braid::task<std::uint64_t> under(int tasks, braid::task<std::uint64_t> reader) {
  if (tasks == 0) co_return co_await std::move(reader);
  co_return co_await under(tasks - 1, std::move(reader));
}

/// Runs the reader, itself the tenth task below the value.
inline auto run(braid::task<std::uint64_t> reader) {
  return braid::with(one, std::uint64_t{1}, under(8, std::move(reader)));
}

}  // namespace ten_deep
