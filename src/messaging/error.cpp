#include "braid/messaging/error.hpp"

#include <string>

namespace braid::messaging {

namespace {

class category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "messaging"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::log_closed: return "the log is closed";
      case errc::log_stopped: return "the log takes no more writes, since one has failed";
      case errc::damaged_record: return "the record is damaged";
      case errc::unreadable_segment: return "the segment cannot be read";
      case errc::record_removed: return "the record was removed";
      case errc::queue_closed: return "the queue is closed";
      case errc::queue_full: return "the queue is full";
      case errc::stale_token: return "the delivery's lease has ended, or it is settled";
      case errc::unknown_group: return "the queue has no such group";
    }
    return "unknown error";
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  static const category one;
  return one;
}

}  // namespace braid::messaging
