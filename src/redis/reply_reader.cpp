#include "reply_reader.hpp"

#include <hiredis/hiredis.h>

#include <charconv>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <utility>

namespace braid::redis::detail {

namespace {

// Any line but a bulk string's bytes: a status, an error, a number.
constexpr std::size_t most_line = 64 << 10;
constexpr std::size_t most_length = 24;  // of the digits before a bulk string

[[noreturn]] void malformed(std::string why) {
  error(make_error_code(errc::malformed_reply), "redis::client", std::move(why)).rethrow();
}

// Puts a value in its place: into the array that is being filled, or as the whole reply. Null if it has no
// room there.
void* put(const redisReadTask* task, std::size_t bytes, value&& made) noexcept {
  auto& state = *static_cast<reply_reader::building*>(task->privdata);
  state.bytes += sizeof(value) + bytes;
  if (state.bytes > state.most) {
    state.too_large = true;
    return nullptr;
  }
  try {
    if (task->parent == nullptr) return new value(std::move(made));
    // Only one array is being filled at a time, so that none moves while hiredis knows where it is.
    std::vector<value>& into = static_cast<value*>(task->parent->obj)->elements();
    return &into.emplace_back(std::move(made));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void* create_string(const redisReadTask* task, char* text, std::size_t size) noexcept {
  auto& state = *static_cast<reply_reader::building*>(task->privdata);
  // hiredis takes the two bytes behind a bulk string for the end of its line, whatever they are.
  if (text[size] != '\r' || text[size + 1] != '\n') {
    state.malformed = true;
    return nullptr;
  }
  const value::kind which = task->type == REDIS_REPLY_STRING   ? value::kind::bytes
                            : task->type == REDIS_REPLY_STATUS ? value::kind::status
                            : task->type == REDIS_REPLY_ERROR  ? value::kind::error
                                                               : value::kind::nil;
  if (which == value::kind::nil) {  // of a later protocol, which was not asked for
    state.malformed = true;
    return nullptr;
  }
  try {
    return put(task, size, value(which, std::string(text, size)));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

#if HIREDIS_MAJOR >= 1
using array_size = std::size_t;
#else
using array_size = int;
#endif

void* create_array(const redisReadTask* task, array_size size) noexcept {
  auto& state = *static_cast<reply_reader::building*>(task->privdata);
  if (task->type != REDIS_REPLY_ARRAY) {
    state.malformed = true;
    return nullptr;
  }
  if (static_cast<std::size_t>(size) > state.most / sizeof(value)) {
    state.too_large = true;
    return nullptr;
  }
  return put(task, 0, value(std::vector<value>()));
}
void* create_integer(const redisReadTask* task, long long number) noexcept {
  return put(task, 0, value(std::int64_t{number}));
}
void* create_nil(const redisReadTask* task) noexcept { return put(task, 0, value()); }
void free_object(void* root) noexcept { delete static_cast<value*>(root); }

// Does what is left begin with the length of a bulk string? hiredis has read the byte before it.
bool reads_bulk(const redisReader& one) noexcept {
  if (one.ridx < 0) return false;
#if HIREDIS_MAJOR >= 1
  return one.task[one.ridx]->type == REDIS_REPLY_STRING;
#else
  return one.rstack[one.ridx].type == REDIS_REPLY_STRING;
#endif
}

redisReplyObjectFunctions functions() noexcept {
  redisReplyObjectFunctions all;
  std::memset(&all, 0, sizeof all);
  all.createString = create_string;
  all.createArray = create_array;
  all.createInteger = create_integer;
  all.createNil = create_nil;
  all.freeObject = free_object;
#if HIREDIS_MAJOR >= 1  // what only a later protocol has
  all.createDouble = [](const redisReadTask* task, double, char*, std::size_t) -> void* {
    static_cast<reply_reader::building*>(task->privdata)->malformed = true;
    return nullptr;
  };
  all.createBool = [](const redisReadTask* task, int) -> void* {
    static_cast<reply_reader::building*>(task->privdata)->malformed = true;
    return nullptr;
  };
#endif
  return all;
}

}  // namespace

void reply_reader::free_reader::operator()(redisReader* one) const noexcept { ::redisReaderFree(one); }

reply_reader::reply_reader(std::size_t most_bytes) : building_{.most = most_bytes} {
  static redisReplyObjectFunctions ours = functions();
  reader_.reset(::redisReaderCreateWithFunctions(&ours));
  if (!reader_) throw std::bad_alloc();
  reader_->privdata = &building_;
}
reply_reader::~reply_reader() = default;

void reply_reader::feed(const char* bytes, std::size_t size) {
  if (::redisReaderFeed(reader_.get(), bytes, size) == REDIS_OK) return;
  if (reader_->err == REDIS_ERR_OOM) throw std::bad_alloc();
  malformed(reader_->errstr);
}

std::optional<value> reply_reader::next() {
  void* found = nullptr;
  if (::redisReaderGetReply(reader_.get(), &found) != REDIS_OK) {
    if (building_.too_large) malformed("a reply of more than " + std::to_string(building_.most) + " bytes");
    if (building_.malformed) malformed("an unknown kind, or a text without its end");
    if (reader_->err == REDIS_ERR_OOM) throw std::bad_alloc();
    malformed(reader_->errstr);
  }
  if (found == nullptr) {
    check_rest();
    return std::nullopt;
  }
  const std::unique_ptr<value> whole(static_cast<value*>(found));
  building_.bytes = 0;
  return std::move(*whole);
}

// What waits for its end is refused as soon as it can only become too long.
void reply_reader::check_rest() const {
  const std::size_t waits = reader_->len - reader_->pos;
  if (waits == 0) return;
  const std::string_view rest(reader_->buf + reader_->pos, waits);
  if (!reads_bulk(*reader_)) {
    if (waits > most_line) malformed("a line of more than 64 KiB");
    return;
  }
  const std::size_t end = rest.substr(0, most_length).find('\r');
  if (end == std::string_view::npos) {
    if (waits >= most_length) malformed("the length of a text is no number");
    return;
  }
  std::uint64_t size = 0;
  const auto [at, why] = std::from_chars(rest.data(), rest.data() + end, size);
  if (why != std::errc() || at != rest.data() + end) return;  // hiredis refuses it
  if (size > building_.most) malformed("a text of " + std::to_string(size) + " bytes");
}

}  // namespace braid::redis::detail
