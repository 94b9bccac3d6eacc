#include "contract.hpp"

namespace fire_and_forget::fibers {

// [sign_up]
receipt sign_up(office& at, std::string who) {
  await(at.add_account(who));                                         // 1 account
  detach(at.send_welcome(who));                                       // 2 mail, 3 seen
  return receipt{who};                                                // 4 receipt
}
// [/sign_up]

// [sign_up_naively]
receipt sign_up_naively(office& at, std::string who) {
  await(at.add_account(who));                                         // 1 account
  detach(in_fiber([&at, who] {
    try {
      await(at.send_welcome(who));                                    // 2 mail
    } catch (...) {                                                   // 3 lost
    }
  }));
  return receipt{who};                                                // 4 receipt
}
// [/sign_up_naively]

}  // namespace fire_and_forget::fibers
