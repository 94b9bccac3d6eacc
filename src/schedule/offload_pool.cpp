#include "braid/schedule/offload_pool.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace braid {

namespace {

detail::pool_threads::limits limits_of(const offload_pool_options& how) {
  if (how.threads < 1 || how.threads > 1024)
    throw std::invalid_argument("offload_pool: threads is " + std::to_string(how.threads) +
                                "; it takes a number from 1 to 1024");
  detail::pool_threads::limits most{
      .threads = how.threads, .queue = how.queue, .refuses = how.when_full == full_queue::refuse};
  how.name.copy(most.name.data(), detail::pool_threads::longest_name);
  return most;
}

}  // namespace

offload_pool::offload_pool(const offload_pool_options& how) : threads_(limits_of(how)) {}

offload_pool_metrics offload_pool::metrics() {
  const detail::pool_threads::figures now = threads_.threads().measure();
  return {.threads = now.threads,
          .running = now.running,
          .abandoned = now.abandoned,
          .queued = now.queued,
          .begun = now.begun,
          .refused = now.refused,
          .longest_queue_time = now.longest_queue_time,
          .total_queue_time = now.total_queue_time};
}

}  // namespace braid
