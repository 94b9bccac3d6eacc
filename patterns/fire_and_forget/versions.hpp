#pragma once

#include "contract.hpp"
#include "stage/style.hpp"

namespace fire_and_forget {

namespace blocking {
receipt sign_up(office& at, const std::string& who);
receipt sign_up_naively(office& at, const std::string& who);
}  // namespace blocking
namespace callbacks {
void sign_up(office& at, const std::string& who, handler<receipt> done);
void sign_up_naively(office& at, const std::string& who, handler<receipt> done);
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
receipt sign_up(office& at, const std::string& who);
receipt sign_up_naively(office& at, const std::string& who);
}  // namespace fibers

enum class failure { is_seen, is_lost };

/// Runs one version on this thread's loop until the receipt is there.
inline receipt sign_up(stage::style how, failure then, office& at, const std::string& who) {
  const bool lost = then == failure::is_lost;
  switch (how) {
    case stage::style::blocking: break;
    case stage::style::callback:
      return run(stage::called_back<receipt>([&](handler<receipt> done) {
        (lost ? callbacks::sign_up_naively : callbacks::sign_up)(at, who, std::move(done));
      }));
    case stage::style::future:
      return run((lost ? futures::sign_up_naively : futures::sign_up)(at, who));
    case stage::style::coroutine:
      return run((lost ? coroutines::sign_up_naively : coroutines::sign_up)(at, who));
    case stage::style::fiber:
      return run(
          in_fiber([&] { return (lost ? fibers::sign_up_naively : fibers::sign_up)(at, who); }));
  }
  return (lost ? blocking::sign_up_naively : blocking::sign_up)(at, who);
}

/// Waits until all mails in flight have been sent or lost.
inline void let_the_mail_go(office& at) {
  loop::current().run();
  at.join_threads();
}

}  // namespace fire_and_forget
