#include "session_cache.hpp"

#include <utility>

namespace braid::tls::detail {

namespace {

constexpr std::size_t most_of_a_name = 4;  // a server of TLS 1.3 sends two tickets with each connection

}  // namespace

void session_cache::put(const std::string& name, session_ptr session) {
  std::list<entry> added, dropped;  // made and freed without the lock
  added.push_back({name, std::move(session)});
  const std::lock_guard lock(door_);
  entries_.splice(entries_.begin(), added);
  std::size_t same = 0;
  for (auto each = entries_.begin(); each != entries_.end();) {
    const auto here = each++;
    if (here->name == name && ++same > most_of_a_name) dropped.splice(dropped.end(), entries_, here);
  }
  while (entries_.size() > most_) dropped.splice(dropped.end(), entries_, std::prev(entries_.end()));
}

session_ptr session_cache::take(const std::string& name) {
  const std::lock_guard lock(door_);
  for (auto each = entries_.begin(); each != entries_.end(); ++each) {
    if (each->name != name) continue;
    if (SSL_SESSION_get_protocol_version(each->session.get()) < TLS1_3_VERSION) {
      SSL_SESSION_up_ref(each->session.get());
      return session_ptr(each->session.get());
    }
    session_ptr found = std::move(each->session);
    entries_.erase(each);
    return found;
  }
  return nullptr;
}

std::size_t session_cache::size() const {
  const std::lock_guard lock(door_);
  return entries_.size();
}

}  // namespace braid::tls::detail
