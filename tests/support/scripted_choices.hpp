#pragma once

#include <cstddef>
#include <memory>

#include "braid/loop/reactor.hpp"

namespace braid_tests {

/// A reactor whose choices between equals a test decides: choose(n) gives next % n.
///
///    scripted_choices::next = 2;
///    loop here({}, std::make_unique<scripted_choices>());
class scripted_choices final : public braid::reactor {
 public:
  static inline thread_local std::size_t next = 0;

  const char* name() const noexcept override { return real_->name(); }
  void submit(braid::io_operation& operation) noexcept override { real_->submit(operation); }
  void cancel(braid::io_operation& operation) noexcept override { real_->cancel(operation); }
  void cancel_all() noexcept override { real_->cancel_all(); }
  void turn(patience how_long, braid::detail::inbox& messages) noexcept override {
    real_->turn(how_long, messages);
  }
  void wake() noexcept override { real_->wake(); }
  void touched() noexcept override { real_->touched(); }
  std::size_t choose(std::size_t n) override { return next % n; }
  braid::loop_clock::time_point now() const noexcept override { return real_->now(); }
  std::size_t in_flight() const noexcept override { return real_->in_flight(); }

 private:
  const std::unique_ptr<reactor> real_ = braid::make_reactor({});
};

}  // namespace braid_tests
