#include "sheet.hpp"

#include <algorithm>

#include <range/v3/range/conversion.hpp>
#include <range/v3/view/iota.hpp>

namespace blocked_loop {

std::vector<piece> pieces_of(const sheet& all, std::size_t size) {
  std::vector<piece> pieces;
  for (std::size_t first = 0; first < all.numbers.size(); first += size)
    pieces.push_back({first, std::min(first + size, all.numbers.size())});
  return pieces;
}

int count_in(const sheet& all, piece which) {
  const auto at = [&](std::size_t place) {
    return all.numbers.begin() + static_cast<std::ptrdiff_t>(std::min(place, all.numbers.size()));
  };
  return static_cast<int>(std::count_if(at(which.first), at(which.last), all.counts));
}

bool is_prime(unsigned number) {
  if (number < 4) return number > 1;
  if (number % 2 == 0) return false;
  for (unsigned by = 3; by <= number / by; by += 2)
    if (number % by == 0) return false;
  return true;
}

sheet big_numbers(std::size_t how_many) {
  const unsigned first = 1'000'000'000;
  return {ranges::views::iota(first, first + static_cast<unsigned>(how_many)) | ranges::to<std::vector>(),
          is_prime};
}

}  // namespace blocked_loop
