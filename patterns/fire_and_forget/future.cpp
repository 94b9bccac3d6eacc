#include "contract.hpp"

namespace fire_and_forget::futures {

// [sign_up]
future<receipt> sign_up(office& at, std::string who) {
  return spawn(at.add_account(who))                                 // 1 account
      .then([&at, who] {
        (void)spawn(at.send_welcome(who));                          // 2 mail, later; seen
        return receipt{who};                                        // 3 receipt
      });
}
// [/sign_up]

// [sign_up_naively]
future<receipt> sign_up_naively(office& at, std::string who) {
  return spawn(at.add_account(who))                                 // 1 account
      .then([&at, who] {
        (void)spawn(at.send_welcome(who))                           // 2 mail, later
            .catch_error([](const error&) {});                      // lost
        return receipt{who};                                        // 3 receipt
      });
}
// [/sign_up_naively]

}  // namespace fire_and_forget::futures
