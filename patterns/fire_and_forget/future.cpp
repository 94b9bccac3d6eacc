#include "contract.hpp"

namespace fire_and_forget::futures {

// [sign_up]
future<receipt> sign_up(office& at, std::string who) {
  return spawn(at.add_account(who))                                   // 1 account
      .then([&at, who] {
        (void)spawn(at.send_welcome(who));                            // 2 mail, 3 seen
        return receipt{who};                                          // 4 receipt
      });
}
// [/sign_up]

// [sign_up_naively]
future<receipt> sign_up_naively(office& at, std::string who) {
  return spawn(at.add_account(who))                                   // 1 account
      .then([&at, who] {
        (void)spawn(at.send_welcome(who))                             // 2 mail
            .catch_error([](const error&) {});                        // 3 lost
        return receipt{who};                                          // 4 receipt
      });
}
// [/sign_up_naively]

}  // namespace fire_and_forget::futures
