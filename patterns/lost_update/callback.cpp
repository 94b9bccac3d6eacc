#include "contract.hpp"

namespace lost_update::callbacks {

// [withdraw_naively]
void withdraw_naively(account& from, const bank& at, int cents, handler<int> done) {
  int balance = from.read();                                          // 1 read
  start(at.approve(cents),                                            // 2 wait
        [&from, balance, cents, done = std::move(done)](result<void> yes) mutable {
    if (!yes) return done(yes.error());
    from.write(balance - cents);                                      // 3 write
    done(balance - cents);
  });
}
// [/withdraw_naively]

// [withdraw]
void withdraw(account& from, const bank& at, int cents, handler<int> done) {
  start(at.approve(cents),                                            // 1 wait
        [&from, cents, done = std::move(done)](result<void> yes) mutable {
    if (!yes) return done(yes.error());
    int balance = from.read();                                        // 2 read
    from.write(balance - cents);                                      // 3 write
    done(balance - cents);
  });
}
// [/withdraw]

// [withdraw_in_turn]
void withdraw_in_turn(account& from, const bank& at, int cents, handler<int> done) {
  start(from.turn.lock(),                                             // 0 lock
        [&from, &at, cents, done = std::move(done)](auto mine) mutable {
    if (!mine) return done(mine.error());
    int balance = from.read();                                        // 1 read
    start(at.approve(cents),                                          // 2 wait
          [&from, balance, cents, mine = *std::move(mine),
           done = std::move(done)](result<void> yes) mutable {
      if (!yes) return done(yes.error());
      from.write(balance - cents);                                    // 3 write
      done(balance - cents);
    });
  });
}
// [/withdraw_in_turn]

// [withdraw_by_owner]
void own(account& mine, const bank& at, handler<void> done) {
  start(mine.slips.receive(),
        [&mine, &at, done = std::move(done)](result<std::optional<slip>> next) mutable {
    if (!next) return done(next.error());
    if (!*next) return done({});  // closed
    int balance = mine.read();                                        // 1 read
    int cents = (*next)->cents();
    start(at.approve(cents),                                          // 2 wait
          [&mine, &at, balance, cents, one = **std::move(next),
           done = std::move(done)](result<void> yes) mutable {
      if (yes) mine.write(balance - cents);                           // 3 write
      yes ? one.paid(balance - cents) : one.failed(yes.error());
      own(mine, at, std::move(done));
    });
  });
}

void withdraw_by_owner(account& from, const bank&, int cents, handler<int> done) {
  promise<int> paid;
  start(paid.get_future(), std::move(done));
  start(from.slips.send(slip(cents, std::move(paid))), [](result<void>) {});
}
// [/withdraw_by_owner]

}  // namespace lost_update::callbacks
