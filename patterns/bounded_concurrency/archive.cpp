#include "archive.hpp"

#include <braid/style/as_result.hpp>

using namespace braid;

namespace bounded_concurrency {

head_count::guest::guest(head_count& at) noexcept : at_(at) {
  ++at.came_;
  const int now = ++at.now_;
  int most = at.most_;
  while (most < now && !at.most_.compare_exchange_weak(most, now)) {}
}

task<std::string> archive::fetch(unsigned number) const {
  const head_count::guest here(fetches_);
  result<std::string> title = co_await as_result(stage::ask(at_, std::to_string(number)));
  if (!title && failed_) failed_();
  co_return title;
}

stage::answer_fn titles_once(std::function<task<>(unsigned number)> pace, head_count& asked) {
  return [pace = std::move(pace), &asked](std::string line) -> task<std::string> {
    const head_count::guest here(asked);
    co_await pace(static_cast<unsigned>(std::stoul(line)));
    co_return "title " + line;
  };
}

}  // namespace bounded_concurrency
