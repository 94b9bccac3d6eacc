#include "braid/loop/detail/request_error.hpp"

#include <cerrno>
#include <new>
#include <string>

#include "braid/loop/detail/perform.hpp"
#include "braid/loop/direct_calls.hpp"

namespace braid::detail {

namespace {

// A request that a thread carries out ends with EAGAIN only when there was no thread for it.
bool found_no_thread(const request& what, int code) noexcept {
  return code == EAGAIN && needs_thread(what.code);
}

}  // namespace

error request_error(const char* call, const request& what, int code, std::string object) noexcept try {
  const std::error_code failed(code, std::generic_category());
  // A cancelled request does not look up its object's name, which costs system calls.
  if (object.empty() && code != ECANCELED && what.descriptor >= 0) object = describe(what.descriptor);
  if (object.empty() && what.code != opcode::nop) object = "descriptor " + std::to_string(what.descriptor);
  if (found_no_thread(what, code))
    object += " (no thread can be started for it: RLIMIT_NPROC, or the cgroup's pids.max)";
  error made(failed, call, std::move(object));
  made.set_requested(true);  // a cancelled request was cancelled by a stop, by close or by the loop's end
  return made;
} catch (const std::bad_alloc&) {
  return error(std::error_code(code, std::generic_category()), call);  // without the object's name
}

}  // namespace braid::detail
