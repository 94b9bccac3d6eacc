#include "braid/redis/request.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <charconv>
#include <new>
#include <stdexcept>

namespace braid::redis {

namespace detail {

word::word(std::int64_t number) noexcept
    : text_(digits_.data(), std::to_chars(digits_.data(), digits_.data() + digits_.size(), number).ptr) {}
word::word(std::uint64_t number) noexcept
    : text_(digits_.data(), std::to_chars(digits_.data(), digits_.data() + digits_.size(), number).ptr) {}
word::word(double number) noexcept
    : text_(digits_.data(), std::to_chars(digits_.data(), digits_.data() + digits_.size(), number).ptr) {}

}  // namespace detail

namespace {

constexpr std::size_t most_bytes = 512 << 20;  // what a server takes by default

bool same_word(std::string_view left, std::string_view right) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

// The commands that concern their connection; of several words those count that are named here.
struct known_effect {
  std::string_view first, second;
  detail::effect is;
};
using detail::effect;
constexpr std::array<known_effect, 22> known_effects{{
    {"hello", "", effect::on_protocol},
    {"subscribe", "", effect::on_protocol},
    {"unsubscribe", "", effect::on_protocol},
    {"psubscribe", "", effect::on_protocol},
    {"punsubscribe", "", effect::on_protocol},
    {"ssubscribe", "", effect::on_protocol},
    {"sunsubscribe", "", effect::on_protocol},
    {"monitor", "", effect::on_protocol},
    {"sync", "", effect::on_protocol},
    {"psync", "", effect::on_protocol},
    {"quit", "", effect::on_protocol},
    {"reset", "", effect::on_state},
    {"client", "reply", effect::on_protocol},
    {"client", "tracking", effect::on_state},
    {"select", "", effect::on_state},
    {"auth", "", effect::on_state},
    {"multi", "", effect::watches},
    {"exec", "", effect::unwatches},
    {"discard", "", effect::unwatches},
    {"watch", "", effect::watches},
    {"unwatch", "", effect::unwatches},
    {"readonly", "", effect::on_state},
}};

effect effect_of(std::span<const std::string_view> words) noexcept {
  for (const known_effect& each : known_effects) {
    if (!same_word(words[0], each.first)) continue;
    if (each.second.empty() || (words.size() > 1 && same_word(words[1], each.second))) return each.is;
  }
  return effect::none;
}

struct free_command {
  void operator()(const char* bytes) const noexcept { ::redisFreeCommand(const_cast<char*>(bytes)); }
};

}  // namespace

request request::of(std::span<const std::string> words) {
  request made;
  const std::vector<std::string_view> texts(words.begin(), words.end());
  made.format(texts);
  return made;
}

void request::format(std::span<const std::string_view> words) {
  if (words.empty()) throw std::length_error("redis::request: no word");
  std::vector<const char*> addresses;
  std::vector<std::size_t> sizes;
  addresses.reserve(words.size());
  sizes.reserve(words.size());
  std::size_t all = 32 * words.size();  // with what the protocol puts around them
  for (const std::string_view each : words) {
    if (each.size() > most_bytes || all + each.size() > most_bytes)
      throw std::length_error("redis::request: more than 512 MiB");
    all += each.size();
    addresses.push_back(each.data() != nullptr ? each.data() : "");
    sizes.push_back(each.size());
  }
  name_ = words.front().substr(0, 64);
  effect_ = effect_of(words);
  char* formatted = nullptr;
  const int size =
      ::redisFormatCommandArgv(&formatted, static_cast<int>(words.size()), addresses.data(), sizes.data());
  if (size < 0 || formatted == nullptr) throw std::bad_alloc();
  bytes_ = std::shared_ptr<const char>(formatted, free_command());
  size_ = static_cast<std::size_t>(size);
}

}  // namespace braid::redis
