#include "contract.hpp"

namespace fire_and_forget::callbacks {

// [sign_up]
void sign_up(office& at, std::string who, handler<receipt> done) {
  start(at.add_account(who),                                          // 1 account
        [&at, who, done = std::move(done)](result<void> added) mutable {
    if (!added) return done(added.error());
    start(at.send_welcome(who),                                       // 2 mail
          [&at](result<void> sent) {
      if (!sent) at.mail_failed(sent.error());                        // 3 seen
    });
    done(receipt{who});                                               // 4 receipt
  });
}
// [/sign_up]

// [sign_up_naively]
void sign_up_naively(office& at, std::string who, handler<receipt> done) {
  start(at.add_account(who),                                          // 1 account
        [&at, who, done = std::move(done)](result<void> added) mutable {
    if (!added) return done(added.error());
    start(at.send_welcome(who),                                       // 2 mail
          [](result<void>) {});                                       // 3 lost
    done(receipt{who});                                               // 4 receipt
  });
}
// [/sign_up_naively]

}  // namespace fire_and_forget::callbacks
