#include "contract.hpp"

namespace lost_update::futures {

// [withdraw_naively]
future<int> withdraw_naively(account& from, const bank& at, int cents) {
  int balance = from.read();                                          // 1 read
  return spawn(at.approve(cents))                                     // 2 wait
      .then([&from, balance, cents] {
        from.write(balance - cents);                                  // 3 write
        return balance - cents;
      });
}
// [/withdraw_naively]

// [withdraw]
future<int> withdraw(account& from, const bank& at, int cents) {
  return spawn(at.approve(cents))                                     // 1 wait
      .then([&from, cents] {
        int balance = from.read();                                    // 2 read
        from.write(balance - cents);                                  // 3 write
        return balance - cents;
      });
}
// [/withdraw]

// [withdraw_in_turn]
future<int> withdraw_in_turn(account& from, const bank& at, int cents) {
  return spawn(from.turn.lock())                                      // 0 lock
      .then([&from, &at, cents](turn mine) {
        int balance = from.read();                                    // 1 read
        return spawn(at.approve(cents))                               // 2 wait
            .then([&from, balance, cents, mine = std::move(mine)] {
              from.write(balance - cents);                            // 3 write
              return balance - cents;
            });
      });
}
// [/withdraw_in_turn]

// [withdraw_by_owner]
future<void> own(account& from, const bank& at) {
  return spawn(from.slips.receive())                                  // 0 receive
      .then([&from, &at](std::optional<slip> next) {
        if (!next) return make_ready_future();  // closed
        int cents = next->cents();
        int balance = from.read();                                    // 1 read
        return spawn(as_result(at.approve(cents)))                    // 2 wait
            .then([&from, &at, balance, cents,
                   next = *std::move(next)](result<void> approved) mutable {
              if (approved) from.write(balance - cents);              // 3 write
              approved ? next.paid(balance - cents) : next.failed(approved.error());
              return own(from, at);
            });
      });
}

future<int> withdraw_by_owner(account& from, const bank&, int cents) {
  promise<int> answer;
  future<int> left = answer.get_future();
  return spawn(from.slips.send(slip(cents, std::move(answer))))
      .then([left = std::move(left)]() mutable { return std::move(left); });
}
// [/withdraw_by_owner]

}  // namespace lost_update::futures
