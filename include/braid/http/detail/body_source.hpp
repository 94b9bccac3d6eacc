#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "braid/loop/bytes.hpp"
#include "braid/style/async_range.hpp"
#include "braid/style/task.hpp"

namespace braid::http::detail {

// Where the pieces of a body come from. A piece is never empty.
class body_source {
 public:
  virtual task<std::optional<std::string>> next() = 0;
  /// How many bytes are still to come, if that is known.
  [[nodiscard]] virtual std::optional<std::uint64_t> left() const noexcept = 0;
  /// The body that owned it is gone.
  virtual void leave() noexcept { delete this; }

 protected:
  body_source() = default;
  body_source(const body_source&) = delete;
  body_source& operator=(const body_source&) = delete;
  virtual ~body_source() = default;
};

struct leave_source {
  void operator()(body_source* one) const noexcept { one->leave(); }
};

template <async_range Range>
class range_source final : public body_source {
 public:
  range_source(Range range, std::optional<std::uint64_t> left) : range_(std::move(range)), left_(left) {}
  task<std::optional<std::string>> next() override {
    std::optional<std::string> piece;
    while (!piece || piece->empty()) {
      auto got = co_await range_.next();
      if (!got) co_return std::nullopt;
      const readable_bytes bytes(*got);
      piece.emplace(static_cast<const char*>(bytes.data()), bytes.size());
    }
    if (left_) left_ = piece->size() > *left_ ? 0 : *left_ - piece->size();
    co_return piece;
  }
  [[nodiscard]] std::optional<std::uint64_t> left() const noexcept override { return left_; }

 private:
  Range range_;
  std::optional<std::uint64_t> left_;
};

}  // namespace braid::http::detail
