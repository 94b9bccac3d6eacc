#pragma once

#include <array>
#include <cstddef>

#include <braid/net/endpoint.hpp>
#include <braid/style/task.hpp>

namespace readiness_vs_completion {

/// How a question goes over the wire: the number of a piece.
using question = std::array<unsigned char, 2>;
[[nodiscard]] constexpr question question_of(unsigned number) {
  return {static_cast<unsigned char>(number >> 8), static_cast<unsigned char>(number)};
}
[[nodiscard]] constexpr unsigned number_in(question asked) { return asked[0] * 256U + asked[1]; }

/// Who comes to the shelf: so many at once, each with so many questions, of which it has some under way at a
/// time.
struct visitors {
  unsigned many = 8;
  unsigned questions = 64;
  unsigned under_way = 1;
  unsigned pieces = 0;  // on the shelf; asked for is all over it
};

/// Comes, asks and goes. Fails with std::logic_error when an answer is not the one to the first question that
/// is still open.
[[nodiscard]] braid::task<> visit_all(braid::endpoint at, visitors who);

}  // namespace readiness_vs_completion
