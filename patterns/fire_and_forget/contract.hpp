#pragma once

// What sign_up calls: the same for every style.

#include <braid/braid.hpp>

#include "office.hpp"
#include "stage/handler.hpp"

namespace fire_and_forget {

using namespace braid;
using stage::handler;

/// What a new customer gets at once.
struct receipt {
  std::string for_whom;
};

// office::add_account(address) and office::send_welcome(address) are senders of nothing;
// office::mail_failed(error) is told when a mail is lost.

}  // namespace fire_and_forget
