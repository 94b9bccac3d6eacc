#include "contract.hpp"

namespace lost_update::callbacks {

// [withdraw_naively]
void withdraw_naively(account& from, const bank& at, int cents, handler<int> done) {
  int balance = from.read();                                          // 1 read
  start(at.approve(cents),                                            // 2 wait
        [&from, balance, cents, done = std::move(done)](result<void> approved) mutable {
    if (!approved) return done(approved.error());
    from.write(balance - cents);                                      // 3 write
    done(balance - cents);
  });
}
// [/withdraw_naively]

// [withdraw]
void withdraw(account& from, const bank& at, int cents, handler<int> done) {
  start(at.approve(cents),                                            // 1 wait
        [&from, cents, done = std::move(done)](result<void> approved) mutable {
    if (!approved) return done(approved.error());
    int balance = from.read();                                        // 2 read
    from.write(balance - cents);                                      // 3 write
    done(balance - cents);
  });
}
// [/withdraw]

// [withdraw_in_turn]
void withdraw_in_turn(account& from, const bank& at, int cents, handler<int> done) {
  start(from.turn.lock(),                                             // 0 lock
        [&from, &at, cents, done = std::move(done)](result<turn> mine) mutable {
    if (!mine) return done(mine.error());
    int balance = from.read();                                        // 1 read
    start(at.approve(cents),                                          // 2 wait
          [&from, balance, cents, mine = *std::move(mine),
           done = std::move(done)](result<void> approved) mutable {
      if (!approved) return done(approved.error());
      from.write(balance - cents);                                    // 3 write
      done(balance - cents);
    });
  });
}
// [/withdraw_in_turn]

// [withdraw_by_owner]
void own(account& from, const bank& at, handler<void> done) {
  start(from.slips.receive(),                                         // 0 receive
        [&from, &at, done = std::move(done)](result<std::optional<slip>> next) mutable {
    if (!next) return done(next.error());
    if (!*next) return done({});  // closed
    int cents = (*next)->cents();
    int balance = from.read();                                        // 1 read
    start(at.approve(cents),                                          // 2 wait
          [&from, &at, balance, cents, next = **std::move(next),
           done = std::move(done)](result<void> approved) mutable {
      if (approved) from.write(balance - cents);                      // 3 write
      approved ? next.paid(balance - cents) : next.failed(approved.error());
      own(from, at, std::move(done));
    });
  });
}

void withdraw_by_owner(account& from, const bank&, int cents, handler<int> done) {
  promise<int> answer;
  start(answer.get_future(), std::move(done));
  start(from.slips.send(slip(cents, std::move(answer))), [](result<void>) {});
}
// [/withdraw_by_owner]

}  // namespace lost_update::callbacks
