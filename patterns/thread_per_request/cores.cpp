#include <future>
#include <thread>
#include <vector>

#include "contract.hpp"

namespace thread_per_request {
namespace loops {
void serve(tcp::listener door, const service& all);
}

namespace cores {

// [serve]
void serve(tcp::listener door, const service& all) {
  const tcp::listen_options shared{.reuse_port = true};  // as `door` was made
  const endpoint at = door.local_endpoint();
  std::vector<std::future<void>> others;
  for (unsigned core = 1; core < std::thread::hardware_concurrency(); ++core) {
    tcp::listener another = tcp::listen_now(at, shared);
    others.push_back(std::async(std::launch::async, loops::serve, std::move(another),
                                std::cref(all)));
  }
  loops::serve(std::move(door), all);
  for (std::future<void>& each : others) each.get();
}
// [/serve]

}  // namespace cores
}  // namespace thread_per_request
