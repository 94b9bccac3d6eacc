#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "braid/messaging/detail/crc32c.hpp"
#include "braid/messaging/detail/log_format.hpp"
#include "braid/messaging/log.hpp"
#include "braid/sim/world.hpp"
#include "catch.hpp"
#include "log_records.hpp"

// A segment that is cut and flipped at every byte. docs/messaging.md says what each costs.

namespace {

using namespace braid;
using namespace braid_tests;
using messaging::log_options;

constexpr std::uint64_t count = 5;
const std::string path = "/log/00000000000000000001.segment";

// The bytes of a segment with five records, closed or not.
std::string segment_bytes(bool closed) {
  sim::world here(1);
  sim::host& at = here.add_host("disk");
  const auto writes = [&]() -> task<> {
    auto journal = co_await messaging::log::open("/log");
    for (std::uint64_t n = 1; n <= count; ++n) {
      const std::string body = nth_body(n, 10 * n);
      co_await journal.append(body);
    }
    if (closed) co_await journal.close();
  };
  here.run(writes());
  return at.contents(path).value();
}

std::size_t offset_of(std::uint64_t sequence) {
  std::size_t at = messaging::detail::head_bytes;
  for (std::uint64_t n = 1; n != sequence; ++n) at += messaging::detail::record_bytes(10 * n);
  return at;
}

struct outcome {
  log_contents found;
  messaging::log_recovery recovery;
  std::uint64_t last = 0, next = 0;
};
outcome open_with(const std::string& bytes) {
  sim::world here(1);
  sim::host& at = here.add_host("disk");
  at.put(path, bytes);
  outcome seen;
  const auto reads = [&]() -> task<> {
    auto journal = co_await messaging::log::open("/log");
    seen.found = co_await contents_of(journal);
    seen.recovery = journal.recovery();
    seen.last = journal.last();
    seen.next = co_await journal.append("next");
    const log_contents again = co_await contents_of(journal);
    CHECK(again.records.size() == seen.found.records.size() + 1);
    CHECK(again.records.at(seen.next) == "next");
  };
  here.run(reads());
  return seen;
}

void check_bodies(const log_contents& found) {
  CHECK(found.in_order);
  for (const auto& [sequence, body] : found.records)
    if (body != nth_body(sequence, 10 * sequence)) FAIL("the record " << sequence << " has other bytes");
}

}  // namespace

TEST_CASE("crc32c: the checks of RFC 3720, by the instruction and by the table", "[messaging][crc32c]") {
  using messaging::detail::crc32c;
  using messaging::detail::crc32c_by_table;
  const std::string zeros(32, '\0'), ones(32, '\xff'), digits = "123456789";
  std::string rising;
  for (int i = 0; i != 32; ++i) rising += static_cast<char>(i);
  const std::vector<std::pair<std::string, std::uint32_t>> known{
      {zeros, 0x8a9136aa}, {ones, 0x62a8ab43}, {rising, 0x46dd794e}, {digits, 0xe3069283}, {"", 0}};
  for (const auto& [bytes, sum] : known) {
    CHECK(crc32c(bytes.data(), bytes.size()) == sum);
    CHECK(crc32c_by_table(bytes.data(), bytes.size()) == sum);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut)
      CHECK(crc32c(bytes.data() + cut, bytes.size() - cut, crc32c(bytes.data(), cut)) == sum);
  }
}

TEST_CASE("log: a segment that is cut at any byte keeps all records before, and says what was cut",
          "[messaging][log][sim]") {
  const std::string whole = segment_bytes(false);
  REQUIRE(whole.size() == offset_of(count + 1));
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    CAPTURE(cut);
    const outcome seen = open_with(whole.substr(0, cut));
    std::uint64_t kept = 0;
    while (kept != count && offset_of(kept + 2) <= cut) ++kept;
    CHECK(seen.last == kept);
    CHECK(seen.next == kept + 1);
    CHECK(seen.found.records.size() == kept);
    CHECK(seen.found.damaged.empty());
    check_bodies(seen.found);
    const std::size_t end = cut < offset_of(1) ? 0 : offset_of(kept + 1);
    CHECK(seen.recovery.cut.has_value() == (cut != end));
    if (seen.recovery.cut) CHECK(seen.recovery.cut->offset == end);
    if (seen.recovery.cut) CHECK(seen.recovery.cut->bytes == cut - end);
  }
}

TEST_CASE("log: a byte that is flipped costs the record that it is in alone", "[messaging][log][sim]") {
  const bool closed = GENERATE(true, false);
  const std::string whole = segment_bytes(closed);
  for (std::size_t at = 0; at != whole.size(); ++at) {
    CAPTURE(closed, at);
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    const outcome seen = open_with(flipped);
    check_bodies(seen.found);
    std::uint64_t hit = 0;  // the record; 0: the head of the file, 6: the mark at the end
    while (hit <= count && offset_of(hit + 1) <= at) ++hit;
    const bool in_padding =
        hit != 0 && hit <= count && at >= offset_of(hit) + messaging::detail::head_bytes + 10 * hit;
    const bool costs = hit != 0 && hit <= count && !in_padding;
    // That the last record of a log that was not closed had become durable is nowhere said.
    const bool is_torn = costs && hit == count && !closed;
    CHECK(seen.last == (is_torn ? count - 1 : count));
    CHECK(seen.found.records.size() == (costs ? count - 1 : count));
    if (costs) CHECK(seen.found.records.count(hit) == 0);
    const bool is_reported = (costs && !is_torn) || hit == 0;
    CHECK(seen.found.damaged.size() == (is_reported ? 1 : 0));
    CHECK(seen.recovery.damaged.size() == (is_reported ? 1 : 0));
    if (is_reported && seen.recovery.damaged.size() == 1) {
      const messaging::log_damage& damage = seen.recovery.damaged[0];
      CHECK(damage.file == path);
      CHECK(damage.from == (hit == 0 ? 0 : offset_of(hit)));
      CHECK(seen.found.damaged[0].find(path + " at " + std::to_string(damage.from)) != std::string::npos);
    }
    CHECK(seen.recovery.cut.has_value() == (is_torn || hit > count));
  }
}

TEST_CASE("log: a record at another place than its own is none", "[messaging][log][sim]") {
  // Another record in the place of the third, as after a misdirected write; then a log within a record.
  std::string wrong = segment_bytes(true);
  wrong.replace(offset_of(3), 56, wrong.substr(offset_of(2), 56));
  const outcome seen = open_with(wrong);
  CHECK(seen.found.records.size() == count - 1);
  CHECK(seen.found.records.count(3) == 0);

  const std::string inner = segment_bytes(true);
  sim::world here(1);
  const auto nested = [&]() -> task<> {
    auto journal = co_await messaging::log::open("/log");
    for (int i = 0; i != 3; ++i) co_await journal.append(inner);
    co_await journal.close();
  };
  sim::host& at = here.add_host("disk");
  here.run(nested());
  std::string bytes = at.contents(path).value();
  bytes[messaging::detail::head_bytes + 8] ^= 1;  // the length of the first record: its end is not known
  at.put(path, bytes);
  const auto reads = [&]() -> task<> {
    auto journal = co_await messaging::log::open("/log");
    const log_contents found = co_await contents_of(journal);
    CHECK(found.records.size() == 2);
    CHECK(found.damaged.size() == 1);
  };
  here.run(reads());
}
