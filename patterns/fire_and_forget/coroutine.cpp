#include "contract.hpp"

namespace fire_and_forget::coroutines {

// [sign_up]
task<receipt> sign_up(office& at, std::string who) {
  co_await at.add_account(who);                                       // 1 account
  detach(at.send_welcome(who));                                       // 2 mail, 3 seen
  co_return receipt{who};                                             // 4 receipt
}
// [/sign_up]

// [sign_up_naively]
task<receipt> sign_up_naively(office& at, std::string who) {
  co_await at.add_account(who);                                       // 1 account
  detach([&at, who]() -> task<> {
    try {
      co_await at.send_welcome(who);                                  // 2 mail
    } catch (...) {                                                   // 3 lost
    }
  });
  co_return receipt{who};                                             // 4 receipt
}
// [/sign_up_naively]

}  // namespace fire_and_forget::coroutines
