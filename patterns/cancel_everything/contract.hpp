#pragma once

// What build_page calls: the same for every style.

#include <chrono>
#include <filesystem>
#include <string>
#include <tuple>

#include <braid/braid.hpp>

#include "site.hpp"
#include "stage/handler.hpp"

namespace cancel_everything {

using namespace braid;
using namespace std::chrono_literals;
using stage::handler;
using std::filesystem::path;

using page = std::string;
using parts = std::tuple<std::string, std::string, std::string>;

// site::open_draft(path), discard(path), fetch(part) and poll(part) are senders: nothing
// happens before someone waits.

/// Three connections at once, one with a limit of its own, one that is made anew after
/// each pause.
[[nodiscard]] inline auto all_parts(const site& from) {
  return when_all(from.fetch("head"), with_timeout(from.fetch("body"), 1h),
                  from.poll("feed"));
}

[[nodiscard]] inline page put_together(const parts& got) {
  return std::get<0>(got) + ", " + std::get<1>(got) + ", " + std::get<2>(got);
}

}  // namespace cancel_everything
