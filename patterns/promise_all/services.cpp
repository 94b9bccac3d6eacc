#include "services.hpp"

#include <map>

#include <braid/schedule/sleep.hpp>

using namespace braid;

namespace promise_all {

stage::answer_fn services_that_take(answer_times times) {
  const std::map<std::string, std::chrono::milliseconds> by_name{
      {"weather", times.weather}, {"news", times.news}, {"prices", times.prices}};
  return [by_name](std::string which) -> task<std::string> {
    co_await sleep_for(by_name.at(which));
    co_return which;
  };
}

}  // namespace promise_all
