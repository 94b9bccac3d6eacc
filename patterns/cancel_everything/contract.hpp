#pragma once

// The functions that build_page calls, the same for every style.

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

// site::open_draft(path), discard(path), fetch(part) and poll(part) are senders: each
// begins when someone waits for it.

/// Three connections at once: one has its own time limit, one is opened again after
/// each pause.
[[nodiscard]] inline auto all_parts(const site& from) {
  return when_all(from.fetch("head"), with_timeout(from.fetch("body"), 1h),
                  from.poll("feed"));
}

[[nodiscard]] inline page put_together(const parts& got) {
  return std::get<0>(got) + ", " + std::get<1>(got) + ", " + std::get<2>(got);
}

}  // namespace cancel_everything
