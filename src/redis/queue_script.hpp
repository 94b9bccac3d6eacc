#pragma once

namespace braid::redis::detail {

// The steps of a queue in Redis, one of which the first argument names, in Lua. A step is atomic.
extern const char queue_steps[];

}  // namespace braid::redis::detail
