#include "contract.hpp"

namespace thread_per_request::loops {

// [answer]
task<http::response> answer(database& from, http::request& asked) {
  std::string found = co_await from.ask(asked.target);                // 1 ask
  co_return http::response(200, std::move(found));                    // 2 answer
}
// [/answer]

// [serve]
void serve(tcp::listener door, const service& all) {
  const auto one = [&all](http::request& asked) { return answer(all.from, asked); };
  loop here;
  run_until(all.closing, http::serve(door, one, for_many()));
}
// [/serve]

}  // namespace thread_per_request::loops
