#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "braid/loop/io_outcome.hpp"
#include "braid/loop/request.hpp"

namespace braid::detail {

// A path as messages show it.
[[nodiscard]] std::string shown(const std::string& path);

// The path of a request, which the request points at.
struct path_argument {
  [[nodiscard]] int point(request& what) noexcept {
    what.address = text.data();
    return text.find('\0') == text.npos ? 0 : EINVAL;  // the system would read the path up to the zero
  }
  std::string text;
};

struct rename_outcome {
  using value_type = void;
  static constexpr const char* name() noexcept { return "fs::rename"; }
  static constexpr io_hooks hooks{.prepare = true, .object = true};
  [[nodiscard]] int prepare(request& what) noexcept {
    what.offset = reinterpret_cast<std::uint64_t>(to.text.data());
    const int wrong = from.point(what);
    return to.text.find('\0') == to.text.npos ? wrong : EINVAL;
  }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
  [[nodiscard]] std::string object() const { return shown(from.text) + " to " + shown(to.text); }
  path_argument from, to;
};

// unlinkat(2) for a file; for a directory once more, with AT_REMOVEDIR.
struct remove_outcome {
  using value_type = void;
  static constexpr const char* name() noexcept { return "fs::remove"; }
  static constexpr io_hooks hooks{.prepare = true, .again = true, .object = true};
  [[nodiscard]] int prepare(request& what) noexcept { return path.point(what); }
  [[nodiscard]] static bool again(std::int32_t& ended, request& what) noexcept {
    if (ended != -EISDIR || what.flags != 0) return false;
    what.flags = AT_REMOVEDIR;
    return true;
  }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
  [[nodiscard]] std::string object() const { return shown(path.text); }
  path_argument path;
};

struct create_directory_outcome {
  using value_type = void;
  static constexpr const char* name() noexcept { return "fs::create_directory"; }
  static constexpr io_hooks hooks{.prepare = true, .object = true};
  [[nodiscard]] int prepare(request& what) noexcept { return path.point(what); }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
  [[nodiscard]] std::string object() const { return shown(path.text); }
  path_argument path;
};

}  // namespace braid::detail
