#include "contract.hpp"

namespace thread_per_request::fibers {

// [answer]
http::response answer(database& from, http::request& asked) {
  std::string found = await(from.ask(asked.target));                  // 1 ask
  return http::response(200, std::move(found));                       // 2 answer
}
// [/answer]

// [serve]
task<http::response> answer_in_fiber(database& from, http::request& asked) {
  auto fiber = in_fiber([&] { return answer(from, asked); });
  co_return co_await std::move(fiber);
}

void serve(tcp::listener door, const service& all) {
  const auto one = [&all](http::request& asked) {
    return answer_in_fiber(all.from, asked);
  };
  loop here;
  run_until(all.closing, http::serve(door, one, for_many()));
}
// [/serve]

}  // namespace thread_per_request::fibers
