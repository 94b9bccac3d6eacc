#pragma once

#include <string>

#include "braid/base/error.hpp"

namespace braid::tls::detail {

// Empties the thread's queue of OpenSSL's errors before a call: what an earlier call of this thread left
// there would be taken for this one's.
void forget_errors() noexcept;

// The error of the call of OpenSSL that has just failed; empties the queue. `verified` is what the
// verification of the peer's certificate has come to.
[[nodiscard]] error failure(const char* call, std::string object, long verified = 0);

}  // namespace braid::tls::detail
