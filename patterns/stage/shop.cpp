#include "stage/shop.hpp"

#include <map>
#include <sstream>

#include <fmt/format.h>

#include <braid/schedule/sleep.hpp>

#include <range/v3/range/conversion.hpp>
#include <range/v3/view/istream.hpp>

using namespace braid;

namespace stage {

static std::istream& operator>>(std::istream& from, order& to) {
  return from >> to.what >> to.cents;
}

task<std::string> shop::fetch(std::string what, user_id id) const {
  told_->tell("ask " + what);
  std::string answer = co_await ask(at_, fmt::format("{} {}", what, id));
  told_->tell(what);
  co_return answer;
}

task<user> shop::fetch_user(user_id id) const {
  std::string name = co_await fetch("user", id);
  co_return user{id, std::move(name)};
}

task<orders> shop::fetch_orders(user_id id) const {
  std::istringstream answer(co_await fetch("orders", id));
  co_return ranges::istream_view<order>(answer) | ranges::to<orders>();
}

task<preferences> shop::fetch_preferences(user_id id) const {
  const std::string percent = co_await fetch("preferences", id);
  co_return preferences{std::stoi(percent)};
}

answer_fn shop_answers(std::chrono::milliseconds delay) {
  return [delay](std::string line) -> task<std::string> {
    static const std::map<std::string, std::string> answers{
        {"user 7", "Ada"},
        {"orders 7", "lamp 3990 book 1250 pen 120"},
        {"preferences 7", "10"},
    };
    co_await sleep_for(delay);
    const auto found = answers.find(line);
    if (found == answers.end()) throw refused("the shop knows no " + line);
    co_return found->second;
  };
}

}  // namespace stage
