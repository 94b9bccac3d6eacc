#include "account.hpp"

#include <string>

using namespace braid;

namespace lost_update {

int account::read() const {
  told_->tell("read " + std::to_string(cents_));
  return cents_;
}

void account::write(int cents) {
  cents_ = cents;
  told_->tell("write " + std::to_string(cents));
}

task<> bank::approve(int cents) const { (void)co_await stage::ask(at_, std::to_string(cents)); }

stage::answer_fn approval(std::function<task<>()> pace) {
  return [pace = std::move(pace)](std::string cents) -> task<std::string> {
    co_await pace();
    if (std::stoi(cents) > 60) throw stage::refused("the bank refuses " + cents);
    co_return "approved";
  };
}

}  // namespace lost_update
