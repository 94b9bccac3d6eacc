#include "braid/loop/no_loop_error.hpp"

#include <new>
#include <stdexcept>
#include <string>

namespace braid {

error no_loop_error(const char* call) noexcept try {
  return error(std::make_exception_ptr(
      std::logic_error(std::string(call) + ": this thread has no loop; make one, or use run(op)")));
} catch (const std::bad_alloc&) {
  return error::out_of_memory();
}

}  // namespace braid
