#pragma once

#include <system_error>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/loop/direct_calls.hpp"
#include "braid/net/endpoint.hpp"

// Calls on sockets that need no waiting, and throw when they fail.
namespace braid::detail {

[[noreturn]] inline void fail(int code, const char* call, std::string object) {
  error(std::error_code(code, std::generic_category()), call, std::move(object)).rethrow();
}

// Returns the call's result, or throws its error.
inline int checked(int ended, const char* call, const endpoint& object) {
  if (ended < 0) fail(-ended, call, object.to_string());
  return ended;
}

inline endpoint name_of(int socket, int (direct_calls::*ask)(int, sockaddr_storage&), const char* call) {
  sockaddr_storage address{};
  if (const int failed = (direct_calls::current().*ask)(socket, address); failed < 0)
    fail(-failed, call, describe(socket));
  return endpoint(address);
}

}  // namespace braid::detail
