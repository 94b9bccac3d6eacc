#include "braid/base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/base/detail/assert.hpp"
#include "braid/base/detail/frame_pool.hpp"
#include "known_exceptions.hpp"

namespace braid {

namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "braid"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::end_of_stream: return "End of stream";
      case errc::broken_promise: return "Broken promise";
      case errc::channel_closed: return "Channel closed";
      case errc::circuit_open: return "Circuit open";
      case errc::exception: return "Exception without an error code";
      case errc::semaphore_closed: return "Semaphore closed";
      case errc::too_many_restarts: return "Too many restarts";
      case errc::queue_full: return "Queue full";
    }
    return "Unknown error";
  }
};

class timeout_errors final : public std::error_category {
 public:
  const char* name() const noexcept override { return "braid timeout"; }
  std::string message(int) const override { return "Timed out"; }
  std::error_condition default_error_condition(int value) const noexcept override {
    return {value, std::generic_category()};
  }
};

}  // namespace

const std::error_category& timeout_category() noexcept {
  static const timeout_errors instance;
  return instance;
}

const std::error_category& braid_category() noexcept {
  alignas(category) static unsigned char place[sizeof(category)];
  static const category& never_destroyed = *new (place) category;
  return never_destroyed;
}

struct error::record : detail::pooled {
  std::atomic<std::uint32_t> references{1};
  const char* call = "";
  std::string object;
  std::exception_ptr exception;
  std::vector<std::source_location, detail::pool_allocator<std::source_location>> stack;
  const void* stack_goes_on_at = nullptr;  // null for a whole one
  std::vector<error> suppressed;
  std::size_t transferred = 0;
  bool lacks_thrown = false;  // let_go has taken the exception

  [[nodiscard]] bool holds(const std::exception_ptr& thrown) const noexcept;
  [[nodiscard]] bool lacks_any() const noexcept;
  void let_go(const std::exception_ptr& thrown);
  void give_back(const std::exception_ptr& thrown);
};

namespace {

// A requested cancellation is thrown as this type, so that a catch block can tell that it was requested.
struct requested_cancellation final : std::system_error {
  using std::system_error::system_error;
};

struct origin {
  std::error_code code;
  bool requested = false;
};
origin origin_of(const std::exception_ptr& exception) noexcept {
  try {
    std::rethrow_exception(exception);
  } catch (const requested_cancellation& e) {
    return {e.code(), true};
  } catch (const std::system_error& e) {
    return {e.code()};
  } catch (const std::bad_alloc&) {
    return {std::make_error_code(std::errc::not_enough_memory)};
  } catch (...) {
    return {make_error_code(errc::exception)};
  }
}

template <class Exception>
std::exception_ptr made(std::error_code code, const std::string& what) {
  return std::make_exception_ptr(what.empty() ? Exception(code) : Exception(code, what));
}

}  // namespace

error::error(std::exception_ptr exception) noexcept : error(std::error_code{}) {
  if (exception == nullptr) {
    *this = misuse_error("error: made of a std::exception_ptr that holds no exception");
    return;
  }
  const origin from = origin_of(exception);
  category_ = &from.code.category();
  number_ = {from.code.value(), from.requested};
  keep(std::move(exception));
}

error::error(std::error_code code, const char* call, std::string object) noexcept : error(code) {
  try {
    record& mine = own_record();
    mine.call = call;
    mine.object = std::move(object);
  } catch (const std::bad_alloc&) {
    // the code matters more than the names
  }
}

// All errors without memory share this record. Nothing destroys it.
error error::out_of_memory() noexcept {
  alignas(record) static std::byte room[sizeof(record)];
  static record* const prepared = [] {
    auto* made = new (&room) record;
    made->exception = std::make_exception_ptr(std::bad_alloc());
    return made;
  }();
  error shared(std::errc::not_enough_memory);
  shared.record_ = prepared;
  shared.add_reference();
  return shared;
}
namespace {
[[maybe_unused]] const error prepared_at_the_start = error::out_of_memory();
}

// An exception owns what is known of the error that threw it (keep_known). That must not own the exception in
// turn, not even by an error that it suppresses, as after a join of operations that have all failed with the
// same exception: the cycle would leak all of it. So whoever throws takes the exception out, and whoever
// catches it puts it in again.
bool error::record::holds(const std::exception_ptr& thrown) const noexcept {
  return exception == thrown || std::ranges::any_of(suppressed, [&](const error& each) {
           return each.record_ != nullptr && each.record_->holds(thrown);
         });
}

bool error::record::lacks_any() const noexcept {
  return lacks_thrown || std::ranges::any_of(suppressed, [](const error& each) {
           return each.record_ != nullptr && each.record_->lacks_any();
         });
}

void error::record::let_go(const std::exception_ptr& thrown) {
  if (exception == thrown) {
    exception = nullptr;
    lacks_thrown = true;
  }
  for (error& each : suppressed)
    if (each.record_ != nullptr && each.record_->holds(thrown)) each.own_record().let_go(thrown);
}

void error::record::give_back(const std::exception_ptr& thrown) {
  if (std::exchange(lacks_thrown, false)) exception = thrown;
  for (error& each : suppressed)
    if (each.record_ != nullptr && each.record_->lacks_any()) each.own_record().give_back(thrown);
}

// Without memory the exception is dropped if the code says enough. Otherwise the error becomes out of memory.
void error::keep(std::exception_ptr exception) noexcept {
  try {
    record& mine = own_record();
    mine.exception = std::move(exception);
    mine.give_back(mine.exception);
  } catch (const std::bad_alloc&) {
    if (*this == errc::exception || *this == std::errc::not_enough_memory) *this = out_of_memory();
  }
}

error error::current() noexcept {
  std::exception_ptr exception = std::current_exception();
  std::optional<error> same = detail::known_of(exception);
  if (!same) return error(std::move(exception));
  same->keep(std::move(exception));
  return *std::move(same);
}

std::optional<error> error::behind(const std::exception_ptr& exception) noexcept {
  if (exception == nullptr) return std::nullopt;
  std::optional<error> thrown = detail::known_of(exception);
  if (thrown) thrown->keep(exception);
  return thrown;
}

// Copies share a record, so it is cloned before it is written.
error::record& error::own_record() {
  if (record_ == nullptr) {
    record_ = new record;
  } else if (record_->references.load(std::memory_order_acquire) != 1) {
    auto clone = std::make_unique<record>();
    clone->call = record_->call;
    clone->object = record_->object;
    clone->exception = record_->exception;
    clone->stack = record_->stack;
    clone->stack_goes_on_at = record_->stack_goes_on_at;
    clone->suppressed = record_->suppressed;
    clone->transferred = record_->transferred;
    clone->lacks_thrown = record_->lacks_thrown;
    drop_reference();
    record_ = clone.release();
  }
  return *record_;
}

void error::add_reference() const noexcept { record_->references.fetch_add(1, std::memory_order_relaxed); }

void error::drop_reference() noexcept {
  if (record_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete record_;
}

std::exception_ptr error::exception() const noexcept { return record_ ? record_->exception : nullptr; }

std::string_view error::call() const noexcept { return record_ ? record_->call : ""; }

void error::rethrow() const {
  std::exception_ptr thrown = exception();
  if (thrown == nullptr) {
    std::string what{call()};
    if (record_ && !record_->object.empty()) what += " " + record_->object;
    thrown = number_.requested ? made<requested_cancellation>(code(), what)
                               : made<std::system_error>(code(), what);
  }
  if (record_ != nullptr) {
    try {
      error known = *this;
      known.own_record().let_go(thrown);
      detail::keep_known(thrown, std::move(known));
    } catch (const std::bad_alloc&) {
      // the exception matters more than what is known of it
    }
  }
  std::rethrow_exception(std::move(thrown));
}

std::string error::message() const {
  if (std::exception_ptr held = exception()) {
    try {
      std::rethrow_exception(held);
    } catch (const std::exception& e) {
      return e.what();
    } catch (...) {
      return "an exception that is no std::exception";
    }
  }
  std::string text{call()};
  if (record_ && !record_->object.empty()) text += " " + record_->object;
  return text.empty() ? code().message() : text + ": " + code().message();
}

void error::no_value_beside(const std::error_category* category, int value, record* known) noexcept {
  error instead(std::error_code(value, *category));
  instead.record_ = known;  // needs no reference: the program aborts
  detail::misused(("result: operator* on an error: " + instead.message()).c_str());
}

std::span<const std::source_location> error::stack() const noexcept {
  return record_ ? std::span<const std::source_location>(record_->stack)
                 : std::span<const std::source_location>{};
}

bool error::stack_is_whole() const noexcept { return stack_goes_on_at() == nullptr; }

const void* error::stack_goes_on_at() const noexcept { return record_ ? record_->stack_goes_on_at : nullptr; }

void error::set_stack(std::span<const std::source_location> frames, const void* goes_on_at) {
  record& mine = own_record();
  mine.stack.assign(frames.begin(), frames.end());
  mine.stack_goes_on_at = goes_on_at;
}

std::size_t error::transferred() const noexcept { return record_ != nullptr ? record_->transferred : 0; }

void error::set_transferred(std::size_t bytes) noexcept {
  try {
    if (bytes != transferred()) own_record().transferred = bytes;
  } catch (const std::bad_alloc&) {
    // the failure matters more than the count
  }
}

std::span<const error> error::suppressed() const noexcept {
  return record_ ? std::span<const error>(record_->suppressed) : std::span<const error>{};
}

void error::suppress(error other) noexcept {
  number_.of_clean_up = number_.of_clean_up || other.number_.of_clean_up;
  try {
    own_record().suppressed.push_back(std::move(other));
  } catch (const std::bad_alloc&) {
    // this error matters more than the suppressed one
  }
}

// The mark survives a throw only with a record: rethrow() stores a copy of the error beside the exception.
void error::set_of_clean_up() noexcept {
  number_.of_clean_up = true;
  try {
    (void)own_record();
  } catch (const std::bad_alloc&) {
    // the mark is lost when the error is thrown
  }
}

namespace {
template <class Exception, class... Text>
error made_of(const Text&... text) noexcept {
  try {
    return std::make_exception_ptr(Exception((std::string() + ... + text)));
  } catch (const std::bad_alloc&) {
    return error::out_of_memory();
  }
}
}  // namespace

error invalid_argument_error(const char* call, const char* why) noexcept {
  return made_of<std::invalid_argument>(call, ": ", why);
}
error misuse_error(const char* what) noexcept { return made_of<std::logic_error>(what); }

}  // namespace braid
