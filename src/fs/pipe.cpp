#include "braid/fs/pipe.hpp"

#include <system_error>

#include "braid/base/error.hpp"
#include "braid/loop/direct_calls.hpp"

namespace braid {

pipe_pair pipe() {
  int ends[2];
  if (const int failed = direct_calls::current().pipe(ends); failed < 0)
    error(std::error_code(-failed, std::generic_category()), "pipe").rethrow();
  return {file::from_descriptor(ends[0]), file::from_descriptor(ends[1])};
}

}  // namespace braid
