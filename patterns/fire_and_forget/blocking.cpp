#include "contract.hpp"

namespace fire_and_forget::blocking {

// [sign_up]
receipt sign_up(office& at, std::string who) {
  run(at.add_account(who));                                           // 1 account
  at.in_a_thread([&at, who] {
    try {
      run(at.send_welcome(who));                                      // 2 mail
    } catch (...) {
      at.mail_failed(error::current());                               // 3 seen
    }
  });
  return receipt{who};                                                // 4 receipt
}
// [/sign_up]

// [sign_up_naively]
receipt sign_up_naively(office& at, std::string who) {
  run(at.add_account(who));                                           // 1 account
  at.in_a_thread([&at, who] {
    try {
      run(at.send_welcome(who));                                      // 2 mail
    } catch (...) {                                                   // 3 lost
    }
  });
  return receipt{who};                                                // 4 receipt
}
// [/sign_up_naively]

}  // namespace fire_and_forget::blocking
