#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace braid::messaging {

/// A place of a log's file that does not hold what was written.
///
///     const auto show = [](const messaging::log_damage& each) { log(each.file + ": " + each.what); };
struct log_damage {
  std::string file;
  std::uint64_t from = 0, to = 0;  ///< offsets in the file
  /// The records that are lost; none if first is greater than last.
  std::uint64_t first = 0, last = 0;
  std::string what;
};

/// The end of the last file that open() has cut off: bytes of appends that had not become durable.
///
///     const auto show = [](const messaging::log_cut& each) { log(std::to_string(each.bytes)); };
struct log_cut {
  std::string file;
  std::uint64_t offset = 0;  ///< the new end of the file
  std::uint64_t bytes = 0;
  std::uint64_t whole_records = 0;  ///< undamaged ones among them, behind one that is not
};

/// The state in which open() found the log.
///
///     const messaging::log journal = co_await messaging::log::open("/tmp/journal");
///     const messaging::log_recovery& found = journal.recovery();
///     if (found.cut) log("a torn tail at " + std::to_string(found.cut->offset));
///     for (const messaging::log_damage& each : found.damaged) log(each.what);
struct log_recovery {
  std::optional<log_cut> cut{};
  /// Of the last file. Damage in earlier ones is found when they are read.
  std::vector<log_damage> damaged{};
  std::uint64_t records = 0;  ///< in the last file
};

}  // namespace braid::messaging
