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
  mutex::scoped_lock mine = co_await from.turn.lock();                // 0 lock
  int balance = from.read();                                          // 1 read
  co_await at.approve(cents);                                         // 2 wait
  from.write(balance - cents);                                        // 3 write
  co_return balance - cents;
}
// [/withdraw_in_turn]

// [withdraw_by_owner]
task<> own(account& mine, const bank& at) {
  while (std::optional<slip> next = co_await mine.slips.receive()) {
    int balance = mine.read();                                        // 1 read
    auto yes = co_await as_result(at.approve(next->cents()));         // 2 wait
    if (!yes) {
      next->failed(yes.error());
      continue;
    }
    mine.write(balance - next->cents());                              // 3 write
    next->paid(balance - next->cents());
  }
}

task<int> withdraw_by_owner(account& from, const bank&, int cents) {
  promise<int> paid;
  future<int> left = paid.get_future();
  co_await from.slips.send(slip(cents, std::move(paid)));
  co_return co_await std::move(left);
}
// [/withdraw_by_owner]

}  // namespace lost_update::coroutines
