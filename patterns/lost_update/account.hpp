#pragma once

#include <utility>

#include <braid/base/pinned.hpp>
#include <braid/net/endpoint.hpp>
#include <braid/style/promise.hpp>
#include <braid/style/task.hpp>
#include <braid/sync/channel.hpp>
#include <braid/sync/mutex.hpp>

#include "stage/line_service.hpp"
#include "stage/story.hpp"

namespace lost_update {

/// A request to an account's owner: to take this many cents and to answer what is left.
class slip {
 public:
  slip(int cents, braid::promise<int> left) : cents_(cents), left_(std::move(left)) {}
  [[nodiscard]] int cents() const noexcept { return cents_; }
  void paid(int left) { left_.set_value(left); }
  void failed(braid::error why) { left_.set_error(std::move(why)); }

 private:
  int cents_;
  braid::promise<int> left_;
};

/// An account of 100 cents, in memory.
///
/// Lifetime  outlives its users; so does the story, which records each read and write.
/// Threads   one loop's.
class account : braid::pinned {
 public:
  explicit account(stage::story& told) : told_(&told) {}

  [[nodiscard]] int read() const;
  void write(int cents);
  [[nodiscard]] int cents() const noexcept { return cents_; }

  braid::mutex turn;              // for withdrawals that take turns
  braid::channel<slip> slips{8};  // for withdrawals through the owner

 private:
  int cents_ = 100;
  stage::story* told_;
};

/// A bank on the network, which must approve each withdrawal.
/// Errors  stage::refused if it does not.
class bank {
 public:
  explicit bank(braid::endpoint at) : at_(at) {}
  [[nodiscard]] braid::task<> approve(int cents) const;

 private:
  braid::endpoint at_;
};

/// Approves anything up to 60 cents, once pace has ended.
[[nodiscard]] stage::answer_fn approval(std::function<braid::task<>()> pace);

}  // namespace lost_update
