#include "database.hpp"

#include <braid/schedule/sleep.hpp>

namespace thread_per_request {
namespace {

/// Counts a question as long as it is open.
class open_question {
 public:
  open_question(std::atomic<std::size_t>& now, std::atomic<std::size_t>& most) : now_(now) {
    const std::size_t mine = ++now_;
    for (std::size_t seen = most; seen < mine && !most.compare_exchange_weak(seen, mine);) {
    }
  }
  open_question(const open_question&) = delete;
  ~open_question() { --now_; }

 private:
  std::atomic<std::size_t>& now_;
};

}  // namespace

database::database(std::chrono::milliseconds takes)
    : database([takes]() -> braid::task<> { co_await braid::sleep_for(takes); }) {}

braid::task<std::string> database::ask(std::string question) {
  const open_question counted(now_, most_);
  co_await wait_();
  co_return "the answer to " + question + "\n";
}

}  // namespace thread_per_request
