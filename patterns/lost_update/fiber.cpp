#include "contract.hpp"

namespace lost_update::fibers {

// [withdraw_naively]
int withdraw_naively(account& from, const bank& at, int cents) {
  int balance = from.read();                                          // 1 read
  await(at.approve(cents));                                           // 2 wait
  from.write(balance - cents);                                        // 3 write
  return balance - cents;
}
// [/withdraw_naively]

// [withdraw]
int withdraw(account& from, const bank& at, int cents) {
  await(at.approve(cents));                                           // 1 wait
  int balance = from.read();                                          // 2 read
  from.write(balance - cents);                                        // 3 write
  return balance - cents;
}
// [/withdraw]

// [withdraw_in_turn]
int withdraw_in_turn(account& from, const bank& at, int cents) {
  mutex::scoped_lock mine = await(from.turn.lock());                  // 0 lock
  int balance = from.read();                                          // 1 read
  await(at.approve(cents));                                           // 2 wait
  from.write(balance - cents);                                        // 3 write
  return balance - cents;
}
// [/withdraw_in_turn]

// [withdraw_by_owner]
void own(account& mine, const bank& at) {
  while (std::optional<slip> next = await(mine.slips.receive())) {
    int balance = mine.read();                                        // 1 read
    auto yes = await(as_result(at.approve(next->cents())));           // 2 wait
    if (!yes) {
      next->failed(yes.error());
      continue;
    }
    mine.write(balance - next->cents());                              // 3 write
    next->paid(balance - next->cents());
  }
}

int withdraw_by_owner(account& from, const bank&, int cents) {
  promise<int> paid;
  future<int> left = paid.get_future();
  await(from.slips.send(slip(cents, std::move(paid))));
  return await(std::move(left));
}
// [/withdraw_by_owner]

}  // namespace lost_update::fibers
