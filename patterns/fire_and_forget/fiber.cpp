#include "contract.hpp"

namespace fire_and_forget::fibers {

// [sign_up]
receipt sign_up(office& at, const std::string& who) {
  await(at.add_account(who));                                       // 1 account
  detach(in_fiber([&at, who] { await(at.send_welcome(who)); }));    // 2 mail, later; seen
  return {who};                                                     // 3 receipt
}
// [/sign_up]

// [sign_up_naively]
receipt sign_up_naively(office& at, const std::string& who) {
  await(at.add_account(who));                                       // 1 account
  detach(in_fiber([&at, who] {                                      // 2 mail, later
    try {
      await(at.send_welcome(who));
    } catch (...) {                                                 // lost
    }
  }));
  return {who};                                                     // 3 receipt
}
// [/sign_up_naively]

}  // namespace fire_and_forget::fibers
