#pragma once

// The functions that sign_up calls, the same for every style.

#include <braid/braid.hpp>

#include "office.hpp"
#include "stage/handler.hpp"

namespace fire_and_forget {

using namespace braid;
using stage::handler;

/// The receipt that a new customer gets at once.
struct receipt {
  std::string for_whom;
};

// office::add_account(address) and office::send_welcome(address) are senders of void;
// office::mail_failed(error) is called when a mail is lost.

}  // namespace fire_and_forget
