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
  turn mine = await(from.turn.lock());                                // 0 lock
  int balance = from.read();                                          // 1 read
  await(at.approve(cents));                                           // 2 wait
  from.write(balance - cents);                                        // 3 write
  return balance - cents;
}
// [/withdraw_in_turn]

// [withdraw_by_owner]
void own(account& from, const bank& at) {
  while (std::optional<slip> next = await(from.slips.receive())) {    // 0 receive
    int cents = next->cents();
    int balance = from.read();                                        // 1 read
    result<void> approved = await(as_result(at.approve(cents)));      // 2 wait
    if (approved) from.write(balance - cents);                        // 3 write
    approved ? next->paid(balance - cents) : next->failed(approved.error());
  }
}

int withdraw_by_owner(account& from, const bank&, int cents) {
  promise<int> answer;
  future<int> left = answer.get_future();
  await(from.slips.send(slip(cents, std::move(answer))));
  return await(std::move(left));
}
// [/withdraw_by_owner]

}  // namespace lost_update::fibers
