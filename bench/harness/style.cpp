#include "style.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <stdexcept>

namespace bench {
namespace {

constexpr std::array<std::string_view, 6> table_order{"raw",    "blocking",  "callback",
                                                      "future", "coroutine", "fiber"};

std::vector<style>& registered() {
  static std::vector<style> styles;  // filled by static objects of other files, in any order
  return styles;
}

auto rank(const style& s) { return std::ranges::find(table_order, s.name) - table_order.begin(); }

/// Styles that the table does not know, such as other libraries, come last.
bool comes_before(const style& a, const style& b) {
  return rank(a) != rank(b) ? rank(a) < rank(b) : a.name < b.name;
}

}  // namespace

std::vector<std::string> style_names() {
  std::vector<style> all = registered();
  std::ranges::sort(all, comes_before);
  std::vector<std::string> names;
  for (const style& s : all) {
    if (names.empty() || names.back() != s.name) names.emplace_back(s.name);
  }
  return names;
}

void register_style(style added) {
  if (!find_workload(added.workload)) {
    throw std::logic_error("style " + std::string(added.name) + " of unknown workload " +
                           std::string(added.workload));
  }
  registered().push_back(added);
}

std::vector<style> styles_of(const workload& of) {
  std::vector<style> found;
  std::ranges::copy_if(registered(), std::back_inserter(found),
                       [&](const style& s) { return s.workload == of.name; });
  std::ranges::sort(found, comes_before);
  return found;
}

}  // namespace bench
