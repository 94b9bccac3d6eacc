#include "contract.hpp"
#include "thread_group.hpp"

namespace thread_per_request::threads {

// [answer]
task<http::response> answer(database& from, http::request& asked) {
  std::string found = co_await from.ask(asked.target);                // 1 ask
  co_return http::response(200, std::move(found));                    // 2 answer
}
// [/answer]

// [serve]
void serve_one(tcp::stream client, const service& all) {
  loop here;  // of this thread, which has nothing else to do
  const auto one = [&all](http::request& asked) { return answer(all.from, asked); };
  http::server connection(one);
  run_until(all.closing, connection.serve(std::move(client)));
}

void serve(tcp::listener door, const service& all) {
  thread_group threads;
  const auto begin = [&](tcp::stream client) -> task<> {
    threads.begin([&all, client = std::move(client)]() mutable {
      serve_one(std::move(client), all);
    });
    co_return;
  };
  loop here;
  run_until(all.closing, tcp::serve(door, begin));
}
// [/serve]

}  // namespace thread_per_request::threads
