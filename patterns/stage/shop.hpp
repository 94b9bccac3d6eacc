#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <braid/net/endpoint.hpp>
#include <braid/style/task.hpp>

#include "stage/line_service.hpp"
#include "stage/story.hpp"

namespace stage {

using user_id = int;
struct user {
  user_id id;
  std::string name;
};
struct order {
  std::string what;
  int cents;
};
using orders = std::vector<order>;
struct preferences {
  int discount_percent;
};
struct invoice {
  std::string to;
  int cents;
  friend bool operator==(const invoice&, const invoice&) = default;
};

/// The client's view of a shop on the network: each fetch is a connection, a request and an answer.
///
/// Lifetime  outlives its fetches; so does the story, which records when each begins and ends.
/// Errors    refused when the shop does not know the user; std::system_error when it does not answer.
class shop {
 public:
  shop(braid::endpoint at, story& told) : at_(at), told_(&told) {}

  [[nodiscard]] braid::task<user> fetch_user(user_id id) const;
  [[nodiscard]] braid::task<orders> fetch_orders(user_id id) const;
  [[nodiscard]] braid::task<preferences> fetch_preferences(user_id id) const;

 private:
  [[nodiscard]] braid::task<std::string> fetch(std::string what, user_id id) const;

  braid::endpoint at_;
  story* told_;
};

/// The answers of the shop, each after `delay`. User 7 has orders; there is no other user.
[[nodiscard]] answer_fn shop_answers(std::chrono::milliseconds delay);
/// The shop itself.
[[nodiscard]] inline line_service open_shop(std::chrono::milliseconds delay) {
  return line_service(shop_answers(delay));
}

}  // namespace stage
