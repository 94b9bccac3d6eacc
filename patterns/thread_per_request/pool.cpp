#include "contract.hpp"

namespace thread_per_request::pools {

// [answer]
http::response answer(database& from, const std::string& target) {
  static thread_local loop own;  // for run, which would make one each time
  std::string found = run(from.ask(target));                          // 1 ask
  return http::response(200, std::move(found));                       // 2 answer
}
// [/answer]

// [serve]
task<http::response> answer_on_thread(offload_pool& threads, database& from,
                                      http::request& asked) {
  auto answering = threads.run(answer, std::ref(from), asked.target);
  co_return co_await std::move(answering);
}

void serve(tcp::listener door, const service& all) {
  const offload_pool_options size{
      .name = "handler", .threads = all.threads, .queue = 100'000};
  offload_pool threads(size);
  const auto one = [&](http::request& asked) {
    return answer_on_thread(threads, all.from, asked);
  };
  loop here;
  run_until(all.closing, http::serve(door, one, for_many()));
}
// [/serve]

}  // namespace thread_per_request::pools
