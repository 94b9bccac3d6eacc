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
      .then([&from, &at, cents](mutex::scoped_lock mine) {
        int balance = from.read();                                    // 1 read
        return spawn(at.approve(cents))                               // 2 wait
            .then([&from, balance, cents] {
              from.write(balance - cents);                            // 3 write
              return balance - cents;
            })
            .finally([mine = std::move(mine)]() mutable { mine.unlock(); });
      });
}
// [/withdraw_in_turn]

// [withdraw_by_owner]
future<void> own(account& mine, const bank& at) {
  return spawn(mine.slips.receive())
      .then([&mine, &at](std::optional<slip> next) {
        if (!next) return make_ready_future();  // closed
        int balance = mine.read();                                    // 1 read
        int cents = next->cents();
        return spawn(as_result(at.approve(cents)))                    // 2 wait
            .then([&mine, &at, balance, cents,
                   one = std::move(*next)](result<void> yes) mutable {
              if (yes) mine.write(balance - cents);                   // 3 write
              yes ? one.paid(balance - cents) : one.failed(yes.error());
              return own(mine, at);
            });
      });
}

future<int> withdraw_by_owner(account& from, const bank&, int cents) {
  promise<int> paid;
  future<int> left = paid.get_future();
  return spawn(from.slips.send(slip(cents, std::move(paid))))
      .then([left = std::move(left)]() mutable { return std::move(left); });
}
// [/withdraw_by_owner]

}  // namespace lost_update::futures
