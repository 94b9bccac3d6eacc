#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <limits>
#include <string>
#include <utility>

#include "braid/loop/direct_calls.hpp"
#include "socket_calls.hpp"

namespace braid::detail {

// Sets options of a socket until the system refuses one.
class option_setter {
 public:
  explicit option_setter(int socket) noexcept : socket_(socket) {}

  // The number must fit an int, since most options are one.
  template <class Number>
  option_setter& set(const char* option, int level, int name, Number number) noexcept {
    if (!std::in_range<int>(number)) return refuse(option, EINVAL);
    const int value = static_cast<int>(number);
    return set_bytes(option, level, name, &value, sizeof value);
  }
  option_setter& set_bytes(const char* option, int level, int name, const void* value,
                           socklen_t size) noexcept {
    if (refused_ != nullptr) return *this;
    const int ended = direct_calls::current().set_option(socket_, level, name, value, size);
    return ended < 0 ? refuse(option, -ended) : *this;
  }
  option_setter& refuse(const char* option, int code) noexcept {
    if (refused_ == nullptr) {
      refused_ = option;
      code_ = code;
    }
    return *this;
  }

  // The option that was refused, or null.
  [[nodiscard]] const char* refused() const noexcept { return refused_; }
  // The refusal's errno, or 0.
  [[nodiscard]] int code() const noexcept { return code_; }
  // Throws the refusal, if there was one.
  void check(const char* call, const std::string& object) const {
    if (refused_ != nullptr) fail(code_, call, refused_ + (" of " + object));
  }

 private:
  int socket_;
  const char* refused_ = nullptr;
  int code_ = 0;
};

}  // namespace braid::detail
