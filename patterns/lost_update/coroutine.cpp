#include "contract.hpp"

namespace lost_update::coroutines {

// [withdraw_naively]
task<int> withdraw_naively(account& from, const bank& at, int cents) {
  int balance = from.read();                                          // 1 read
  co_await at.approve(cents);                                         // 2 wait
  from.write(balance - cents);                                        // 3 write
  co_return balance - cents;
}
// [/withdraw_naively]

// [withdraw]
task<int> withdraw(account& from, const bank& at, int cents) {
  co_await at.approve(cents);                                         // 1 wait
  int balance = from.read();                                          // 2 read
  from.write(balance - cents);                                        // 3 write
  co_return balance - cents;
}
// [/withdraw]

// [withdraw_in_turn]
task<int> withdraw_in_turn(account& from, const bank& at, int cents) {
  turn mine = co_await from.turn.lock();                              // 0 lock
  int balance = from.read();                                          // 1 read
  co_await at.approve(cents);                                         // 2 wait
  from.write(balance - cents);                                        // 3 write
  co_return balance - cents;
}
// [/withdraw_in_turn]

// [withdraw_by_owner]
task<> own(account& from, const bank& at) {
  while (std::optional<slip> next = co_await from.slips.receive()) {  // 0 receive
    int cents = next->cents();
    int balance = from.read();                                        // 1 read
    result<void> approved = co_await as_result(at.approve(cents));    // 2 wait
    if (approved) from.write(balance - cents);                        // 3 write
    approved ? next->paid(balance - cents) : next->failed(approved.error());
  }
}

task<int> withdraw_by_owner(account& from, const bank&, int cents) {
  promise<int> answer;
  future<int> left = answer.get_future();
  co_await from.slips.send(slip(cents, std::move(answer)));
  co_return co_await std::move(left);
}
// [/withdraw_by_owner]

}  // namespace lost_update::coroutines
