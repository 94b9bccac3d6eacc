#pragma once

#include "contract.hpp"
#include "stage/in_style.hpp"

namespace fire_and_forget {

namespace blocking {
receipt sign_up(office& at, std::string who);
receipt sign_up_naively(office& at, std::string who);
}  // namespace blocking
namespace callbacks {
void sign_up(office& at, std::string who, handler<receipt> done);
void sign_up_naively(office& at, std::string who, handler<receipt> done);
}  // namespace callbacks
namespace futures {
future<receipt> sign_up(office& at, std::string who);
future<receipt> sign_up_naively(office& at, std::string who);
}  // namespace futures
namespace coroutines {
task<receipt> sign_up(office& at, std::string who);
task<receipt> sign_up_naively(office& at, std::string who);
}  // namespace coroutines
namespace fibers {
receipt sign_up(office& at, std::string who);
receipt sign_up_naively(office& at, std::string who);
}  // namespace fibers

/// What happens to the failure of a mail: the naive versions lose it.
enum class failure { is_seen, is_lost };

/// Runs one version on this thread's loop until the receipt is there.
inline receipt sign_up(stage::style how, failure then, office& at, std::string who) {
  constexpr stage::versions seen{blocking::sign_up, callbacks::sign_up, futures::sign_up,
                                 coroutines::sign_up, fibers::sign_up};
  constexpr stage::versions lost{blocking::sign_up_naively, callbacks::sign_up_naively,
                                 futures::sign_up_naively, coroutines::sign_up_naively,
                                 fibers::sign_up_naively};
  return stage::in_style(how, then == failure::is_seen ? seen : lost, at, std::move(who));
}

/// Waits until all mails in flight have been sent or lost.
inline void let_the_mail_go(office& at) {
  loop::current().run();
  at.join_threads();
}

}  // namespace fire_and_forget
