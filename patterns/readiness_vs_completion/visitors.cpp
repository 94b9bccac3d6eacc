#include "visitors.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include <braid/combine/when_all.hpp>
#include <braid/net/tcp.hpp>

#include "shelf.hpp"

using namespace braid;

namespace readiness_vs_completion {
namespace {

task<> visit_once(endpoint at, visitors who, unsigned which) {
  const auto number = [&](unsigned n) { return (which * who.questions + n) * 61 % who.pieces; };
  tcp::stream desk = co_await tcp::connect(at);
  unsigned asked = 0;
  piece answer;
  for (unsigned answered = 0; answered < who.questions; ++answered) {
    for (; asked < std::min(answered + who.under_way, who.questions); ++asked) {
      const question next = question_of(number(asked));
      co_await desk.write_all(next);
    }
    co_await desk.read_exactly(answer);
    if (answer != piece_of(number(answered))) throw std::logic_error("this is another question's answer");
  }
}

}  // namespace

task<> visit_all(endpoint at, visitors who) {
  std::vector<task<>> all;
  for (unsigned which = 0; which < who.many; ++which) all.push_back(visit_once(at, who, which));
  co_await when_all(std::move(all));
}

}  // namespace readiness_vs_completion
