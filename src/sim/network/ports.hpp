#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>

#include "braid/base/pinned.hpp"
#include "braid/loop/clock.hpp"
#include "network/socket_name.hpp"

namespace braid::sim::detail {

class listening;

// The ports of a host: which are taken, and which have a listener.
class ports : pinned {
 public:
  // A name in use. It becomes free when the last holder of this object releases it.
  class binding : pinned {
   public:
    binding(ports& of, const socket_name& name, bool shares, bool dual);
    ~binding();
    [[nodiscard]] const socket_name& name() const noexcept { return name_; }
    [[nodiscard]] bool shares() const noexcept { return shares_; }
    void set_shares(bool shares) noexcept { shares_ = shares; }
    // Do both have some address in common? `dual`: at :: it means all IPv4 addresses too.
    [[nodiscard]] bool overlaps(const socket_name& name, bool dual) const noexcept;

   private:
    friend class ports;
    ports& of_;
    const socket_name name_;
    bool shares_;  // SO_REUSEADDR
    const bool dual_;
    std::weak_ptr<listening> listens_;
    std::multimap<std::uint16_t, binding*>::iterator place_;
  };

  // Null if the name is taken. Port 0 becomes an unused port.
  [[nodiscard]] std::shared_ptr<binding> bind(const socket_name& name, bool shares, bool dual,
                                              loop_clock::time_point now);
  // The name of a connection that reached a listener; never refused.
  [[nodiscard]] std::shared_ptr<binding> inherit(const socket_name& name, bool shares);
  // False if there is another listener already.
  [[nodiscard]] bool listen(binding& at, const std::shared_ptr<listening>& by);
  // Null if there is no listener.
  [[nodiscard]] std::shared_ptr<listening> listener_at(const socket_name& name) const;
  // Called when the host loses its power.
  void clear() noexcept { lingering_.clear(); }
  // A connection with this name has ended in TIME_WAIT: until then only a sharing socket can bind the name.
  void linger(const binding& ended, loop_clock::time_point until);

 private:
  static constexpr std::uint16_t first_ephemeral = 32768, last_ephemeral = 60999;

  [[nodiscard]] bool is_taken(const socket_name& name, bool shares, bool dual,
                              loop_clock::time_point now) const;
  [[nodiscard]] std::uint16_t unused_port();

  using key = std::tuple<int, std::uint32_t, std::uint16_t>;
  static key key_of(const socket_name& name) noexcept { return {name.family, name.address, name.port}; }

  struct lingering {
    loop_clock::time_point until;
    bool shares;
  };

  std::multimap<std::uint16_t, binding*> taken_;
  std::map<key, std::weak_ptr<listening>> listeners_;
  std::map<std::uint16_t, lingering> lingering_;
  std::uint16_t next_ephemeral_ = first_ephemeral;
};

}  // namespace braid::sim::detail
