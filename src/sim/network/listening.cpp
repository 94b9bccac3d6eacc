#include "network/listening.hpp"

#include <algorithm>
#include <utility>

#include "network/connection.hpp"

namespace braid::sim::detail {

listening::listening(object& of, bool shares, bool dual, int backlog)
    : of_(of), shares_(shares), dual_(dual) {
  set_backlog(backlog);
}

void listening::end() noexcept {
  for (const auto& each : arrived_) each->server().abort();
  arrived_.clear();
}

void listening::set_backlog(int backlog) noexcept {
  constexpr unsigned most = 4096;  // net.core.somaxconn; a negative backlog is a large one
  backlog_ = std::min(static_cast<unsigned>(backlog), most);
}

void listening::handshake_ends(std::shared_ptr<connection> with) {
  --handshakes_;
  arrived_.push_back(std::move(with));
  of_.changed();
}

}  // namespace braid::sim::detail
