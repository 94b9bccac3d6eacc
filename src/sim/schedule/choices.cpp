#include "braid/sim/choices.hpp"

namespace braid::sim {

std::uint64_t choices::draw() noexcept {
  std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

std::size_t choices::among(std::size_t n) {
  if (n <= 1) return 0;
  ++at_;
  if (!exhausts_) {
    __extension__ typedef unsigned __int128 wide;
    return static_cast<std::size_t>((wide{draw()} * n) >> 64);
  }
  if (at_ > path_.size()) path_.push_back({0, static_cast<std::uint32_t>(n)});
  return path_[at_ - 1].taken;
}

bool choices::happens(double probability) {
  if (!(probability > 0)) return false;
  if (probability >= 1) return true;
  if (exhausts_) return among(2) == 1;
  ++at_;
  return static_cast<double>(draw() >> 11) * 0x1p-53 < probability;
}

loop_clock::duration choices::between(loop_clock::duration least, loop_clock::duration most) {
  if (most <= least) return least;
  if (exhausts_) return among(2) == 0 ? least : most;
  return least + loop_clock::duration(among(static_cast<std::size_t>((most - least).count()) + 1));
}

std::string choices::text() const {
  std::string all;
  for (const decision& each : path_) all += (all.empty() ? "" : " ") + std::to_string(each.taken);
  return all;
}

bool choices::next_path() {
  at_ = 0;
  while (!path_.empty() && path_.back().taken + 1 == path_.back().of) path_.pop_back();
  if (path_.empty()) return false;
  ++path_.back().taken;
  return true;
}

}  // namespace braid::sim
