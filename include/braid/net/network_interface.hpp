#pragma once

#include <string_view>

namespace braid {

/// A network interface of this machine, for multicast. A value of 4 bytes.
///
///     const network_interface loopback("lo"), any;
///     use(loopback.index(), any.index());
class network_interface {
 public:
  /// Whichever interface the system chooses.
  network_interface() = default;
  /// The interface of that name. Throws std::system_error (no_such_device) if there is none.
  explicit network_interface(std::string_view name);

  /// The system's number for it; 0 if the system is to choose.
  [[nodiscard]] unsigned index() const noexcept { return index_; }

  friend bool operator==(network_interface, network_interface) = default;

 private:
  unsigned index_ = 0;
};

}  // namespace braid
