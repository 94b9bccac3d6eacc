#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "braid/fs/detail/path_outcomes.hpp"
#include "braid/fs/file_status.hpp"

namespace braid::detail {

[[nodiscard]] fs::file_status status_of(const struct statx& found) noexcept;

template <const char* Name>
struct status_outcome {
  using value_type = fs::file_status;
  static constexpr const char* name() noexcept { return Name; }
  static constexpr io_hooks hooks{.prepare = true, .object = true};
  [[nodiscard]] int prepare(request& what) noexcept {
    what.offset = reinterpret_cast<std::uint64_t>(&found);
    const int wrong = path.point(what);
    return path.text.empty() ? ENOENT : wrong;
  }
  result<fs::file_status> operator()(std::int32_t, const request&) const noexcept { return status_of(found); }
  [[nodiscard]] std::string object() const { return shown(path.text); }
  path_argument path;
  struct statx found{};
};
inline constexpr char status_name[] = "fs::status", link_status_name[] = "fs::link_status";

}  // namespace braid::detail
