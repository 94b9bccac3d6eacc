#include "braid/loop/detail/descriptor_turns.hpp"

#include <unistd.h>

#include <new>
#include <utility>

#include "braid/loop/direct_calls.hpp"

namespace braid::detail {

namespace {

enum which : unsigned { of_position, of_reads, of_writes };

std::uint64_t key_of(const file_traits& traits, which of) noexcept {
  return std::uint64_t{traits.identity} << 2 | of;
}
which which_turn(const request& what, const file_traits& traits) noexcept {
  if (traits.has_position) return of_position;
  return what.code == opcode::read || what.code == opcode::fill_pipe ? of_reads : of_writes;
}

}  // namespace

turn_operation*& descriptor_turns::bucket_of(std::uint64_t key) noexcept {
  if (buckets_.empty()) return only_bucket_;
  return buckets_[(key ^ key >> 2) & (buckets_.size() - 1)];
}

// The holder of the turn that the operation wants, or null. A file on disk that was opened twice has two
// positions but equal keys.
turn_operation* descriptor_turns::holder_before(const turn_operation& operation, reactor& on) noexcept {
  const int number = operation.what().descriptor;
  turn_operation* each = bucket_of(operation.key_);
  for (; each != nullptr; each = each->next_) {
    if (each->key_ != operation.key_) continue;
    const int its = each->what().descriptor;
    if (its == number) break;
    if (each->traits_.opened_here && operation.traits_.opened_here) continue;
    if (on.direct().share_position(its, number)) break;
  }
  return each;
}

void descriptor_turns::hold(turn_operation& operation) noexcept {
  operation.turn_ = turn_operation::turn::holds;
  turn_operation*& first = bucket_of(operation.key_);
  operation.next_ = std::exchange(first, &operation);
  ++holders_;
  operation.position_ = operation.traits_.has_position ? turn_operation::not_asked : std::int64_t{-1};
}

void descriptor_turns::ask_position(turn_operation& operation, reactor& on) noexcept {
  operation.position_ = on.position_of(operation.what().descriptor);
}

bool descriptor_turns::take(turn_operation& operation, const file_traits& traits, reactor& on) noexcept {
  if (operation.turn_ == turn_operation::turn::holds) return true;
  const request& what = operation.what();
  operation.traits_ = traits;
  operation.key_ = key_of(traits, which_turn(what, traits));
  if (turn_operation* const before = holder_before(operation, on)) {
    operation.turn_ = turn_operation::turn::waits;
    ++waiting_;
    before->behind_.push_back(operation);
    return false;
  }
  if (holders_ >= buckets_.size()) grow();
  hold(operation);
  return true;
}

void descriptor_turns::grow() noexcept {
  std::vector<turn_operation*> old;
  try {
    old.resize(buckets_.empty() ? 16 : 2 * buckets_.size());
  } catch (const std::bad_alloc&) {
    return;
  }
  old.swap(buckets_);
  const auto move_all = [this](turn_operation* each) {
    while (each != nullptr) {
      turn_operation& moved = *std::exchange(each, each->next_);
      turn_operation*& first = bucket_of(moved.key_);
      moved.next_ = std::exchange(first, &moved);
    }
  };
  move_all(std::exchange(only_bucket_, nullptr));
  for (turn_operation* each : old) move_all(each);
}

void descriptor_turns::moved(turn_operation& operation, std::int32_t result, reactor& on) noexcept {
  if (operation.position_ < 0 || result <= 0) return;
  operation.position_ += result;
  const request& what = operation.what();
  const bool whole = static_cast<std::uint32_t>(result) == what.length;
  if (whole && !operation.traits_.unbuffered) return;
  if (what.code == opcode::write && operation.traits_.appends)
    on.set_position(what.descriptor, 0, SEEK_END);
  else
    on.set_position(what.descriptor, operation.position_, SEEK_SET);
}

turn_operation* descriptor_turns::end(turn_operation& operation) noexcept {
  if (std::exchange(operation.turn_, turn_operation::turn::none) != turn_operation::turn::holds)
    return nullptr;
  turn_operation** link = &bucket_of(operation.key_);
  while (*link != &operation) link = &(*link)->next_;
  *link = operation.next_;
  --holders_;
  if (operation.behind_.empty()) return nullptr;
  auto& next = static_cast<turn_operation&>(operation.behind_.pop_front());
  next.behind_.append(std::move(operation.behind_));
  --waiting_;
  hold(next);
  return &next;
}

bool descriptor_turns::withdraw(turn_operation& operation) noexcept {
  if (operation.turn_ != turn_operation::turn::waits) return false;
  operation.turn_ = turn_operation::turn::none;
  --waiting_;
  turn_operation* each = bucket_of(operation.key_);
  while (!each->behind_.remove(operation)) each = each->next_;
  return true;
}

operation_base::queue descriptor_turns::withdraw_all(int descriptor, reactor& on) noexcept {
  operation_base::queue found;
  if (waiting_ == 0) return found;
  const auto withdraw_from = [&](std::uint64_t key) {
    for (turn_operation* holder = bucket_of(key); holder != nullptr; holder = holder->next_) {
      if (holder->key_ != key) continue;
      operation_base::queue others;
      while (!holder->behind_.empty()) {
        auto& each = static_cast<turn_operation&>(holder->behind_.pop_front());
        if (each.what().descriptor != descriptor) {
          others.push_back(each);
          continue;
        }
        each.turn_ = turn_operation::turn::none;
        --waiting_;
        found.push_back(each);
      }
      holder->behind_.append(std::move(others));
    }
  };
  const file_traits traits = on.direct().traits_of(descriptor);
  if (traits.has_position) {
    withdraw_from(key_of(traits, of_position));
  } else {
    withdraw_from(key_of(traits, of_reads));
    withdraw_from(key_of(traits, of_writes));
  }
  return found;
}

}  // namespace braid::detail
