#include "braid/combine/detail/sliding_window.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "braid/loop/loop.hpp"

namespace braid::detail {

namespace {

constexpr loop_clock::rep tenth = 10;

}  // namespace

sliding_window::sliding_window(loop_clock::duration window, const char* of)
    : length_(std::max<loop_clock::rep>((window.count() - 1) / tenth + 1, 1)) {
  if (window <= loop_clock::duration::zero())
    throw std::invalid_argument(std::string(of) + ": the window must be positive");
}

void sliding_window::add(counts more) noexcept {
  advance();
  for (counts* each : {&total_, &slice(now_)}) {
    each->all += more.all;
    each->marked += more.marked;
  }
}

sliding_window::counts sliding_window::total() noexcept {
  advance();
  return total_;
}

void sliding_window::clear() noexcept {
  total_ = {};
  slices_ = {};
}

void sliding_window::advance() noexcept {
  const std::int64_t now = loop_clock::now().time_since_epoch().count() / length_;
  if (now - now_ >= static_cast<std::int64_t>(slices)) clear();
  for (now_ = std::max(now_, now - static_cast<std::int64_t>(slices)); now_ < now;) {
    counts& oldest = slice(++now_);
    total_.all -= oldest.all;
    total_.marked -= oldest.marked;
    oldest = {};
  }
}

}  // namespace braid::detail
