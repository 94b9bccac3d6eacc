#include "contract.hpp"

namespace fire_and_forget::blocking {

// [sign_up]
receipt sign_up(office& at, const std::string& who) {
  run(at.add_account(who));                                         // 1 account
  at.in_a_thread([&at, who] {                                       // 2 mail, later
    try {
      run(at.send_welcome(who));
    } catch (...) {
      at.mail_failed(error::current());                             // seen
    }
  });
  return {who};                                                     // 3 receipt
}
// [/sign_up]

// [sign_up_naively]
receipt sign_up_naively(office& at, const std::string& who) {
  run(at.add_account(who));                                         // 1 account
  at.in_a_thread([&at, who] {                                       // 2 mail, later
    try {
      run(at.send_welcome(who));
    } catch (...) {                                                 // lost
    }
  });
  return {who};                                                     // 3 receipt
}
// [/sign_up_naively]

}  // namespace fire_and_forget::blocking
