#include "contract.hpp"

namespace lost_update::blocking {

// [withdraw_naively]
int withdraw_naively(account& from, const bank& at, int cents) {
  int balance = from.read();                                          // 1 read
  run(at.approve(cents));                                             // 2 wait
  from.write(balance - cents);                                        // 3 write
  return balance - cents;
}
// [/withdraw_naively]

}  // namespace lost_update::blocking
