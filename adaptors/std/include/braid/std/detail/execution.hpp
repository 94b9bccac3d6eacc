#pragma once

#include <version>

// std::execution, from the standard library or from stdexec, as namespace braid::detail::execution.
#define BRAID_HAS_STD_EXECUTION 1
#if __has_include(<stdexec/execution.hpp>)
#include <stdexec/execution.hpp>
namespace braid::detail::execution {
using namespace ::stdexec;
}  // namespace braid::detail::execution
#elif defined(__cpp_lib_senders)
#include <execution>
#include <stop_token>
namespace braid::detail::execution {
using namespace ::std::execution;
using ::std::get_stop_token;
using ::std::get_stop_token_t;
using ::std::inplace_stop_source;
using ::std::inplace_stop_token;
using ::std::stop_callback_for_t;
using ::std::stop_token_of_t;

}  // namespace braid::detail::execution
#else
#undef BRAID_HAS_STD_EXECUTION
#define BRAID_HAS_STD_EXECUTION 0
#error "this header needs std::execution, or the headers of github.com/NVIDIA/stdexec"
#endif
