// A program outside the tree that uses an installed braid-messaging. It leaves a log in ./journal, and a
// queue in ./jobs.

#include <braid/messaging/log.hpp>
#include <braid/messaging/queue.hpp>
#include <braid/messaging/queue_snapshot.hpp>
#include <braid/messaging/to_prometheus.hpp>
#include <braid/style/run.hpp>
#include <braid/style/task.hpp>

#include <cstdio>
#include <string>

namespace {

braid::task<std::string> last_order() {
  braid::messaging::log orders = co_await braid::messaging::log::open("journal");
  const std::uint64_t at = co_await orders.append("order 7");
  auto all = orders.read(at);
  const auto found = co_await all.next();
  co_await orders.close();
  co_return found->value().bytes;
}

braid::task<std::string> next_job() {
  braid::messaging::queue jobs = co_await braid::messaging::queue::open("jobs");
  co_await jobs.make_group("all");
  co_await jobs.send("job 7");
  const auto seen = co_await braid::messaging::queue_snapshot::open("jobs");
  const auto id = seen.messages("all").at(0).id;
  std::string body = co_await seen.body(id);
  const auto metrics = co_await jobs.metrics();
  body += braid::messaging::to_prometheus("jobs", metrics).empty() ? "without metrics" : "";
  co_await jobs.close();
  co_return body;
}

}  // namespace

int main() {
  const std::string found = braid::run(last_order()), job = braid::run(next_job());
  std::printf("%s, %s\n", found.c_str(), job.c_str());
  return found == "order 7" && job == "job 7" ? 0 : 1;
}
