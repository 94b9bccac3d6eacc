#pragma once

#include <array>
#include <cstddef>

#include <braid/net/endpoint.hpp>
#include <braid/style/task.hpp>

namespace readiness_vs_completion {

/// A question as it goes over the wire: the number of a piece.
using question = std::array<unsigned char, 2>;
[[nodiscard]] constexpr question question_of(unsigned number) {
  return {static_cast<unsigned char>(number >> 8), static_cast<unsigned char>(number)};
}
[[nodiscard]] constexpr unsigned number_in(question asked) { return asked[0] * 256U + asked[1]; }

/// The visitors of the shelf: how many come at once, how many questions each has, and how many of them each
/// has in flight at a time.
struct visitors {
  unsigned many = 8;
  unsigned questions = 64;
  unsigned under_way = 1;
  unsigned pieces = 0;  // on the shelf; the questions are spread over all of them
};

/// Connects, asks all questions and leaves. Fails with std::logic_error when an answer does not belong to the
/// oldest open question.
[[nodiscard]] braid::task<> visit_all(braid::endpoint at, visitors who);

}  // namespace readiness_vs_completion
