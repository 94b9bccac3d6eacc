#include "contract.hpp"

namespace fire_and_forget::coroutines {

// [sign_up]
task<receipt> sign_up(office& at, std::string who) {
  co_await at.add_account(who);                                     // 1 account
  detach(at.send_welcome(who));                                     // 2 mail, later; seen
  co_return receipt{who};                                           // 3 receipt
}
// [/sign_up]

// [sign_up_naively]
task<receipt> sign_up_naively(office& at, std::string who) {
  co_await at.add_account(who);                                     // 1 account
  detach([&at, who]() -> task<> {                                   // 2 mail, later
    try {
      co_await at.send_welcome(who);
    } catch (...) {                                                 // lost
    }
  });
  co_return receipt{who};                                           // 3 receipt
}
// [/sign_up_naively]

}  // namespace fire_and_forget::coroutines
