#include "known_exceptions.hpp"

#include <unwind.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <typeinfo>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"

namespace braid::detail {

namespace {

using destructor = void(void*);

// The header that the C++ ABI puts before each exception object.
// Source  Itanium C++ ABI: exception handling, 2.2.1.
struct exception_header {
  const std::type_info* type;
  destructor* destroy;
  void (*unexpected)();
  void (*terminate)();
  void* next;
  int handlers;
  int switch_value;
  const void* action;
  const void* language_data;
  std::uintptr_t catch_address;
  void* adjusted;
  _Unwind_Exception unwind;
};

void* object_of(const std::exception_ptr& exception) noexcept {
  static_assert(sizeof exception == sizeof(void*));
  return *reinterpret_cast<void* const*>(&exception);
}

// Null if the runtime has another layout.
exception_header* header_of([[maybe_unused]] const std::exception_ptr& exception) noexcept {
#ifdef __GLIBCXX__
  auto* header = static_cast<exception_header*>(object_of(exception)) - 1;
  if (header->type == exception.__cxa_exception_type()) return header;
#endif
  return nullptr;
}

struct known_exception : pooled {
  known_exception(void* o, destructor* d, error k) noexcept : object(o), destroy(d), known(std::move(k)) {}
  void* const object;
  destructor* const destroy;  // the exception's own; may be null
  error known;
  known_exception* next = nullptr;
};

struct bucket {
  known_exception** find(void* object) noexcept {
    known_exception** at = &first;
    while (*at != nullptr && (*at)->object != object) at = &(*at)->next;
    return at;
  }
  std::mutex mutex;
  known_exception* first = nullptr;
};

// Never destroyed: exceptions may outlive every static object.
bucket& bucket_of(void* object) noexcept {
  using buckets = std::array<bucket, 64>;
  alignas(buckets) static unsigned char place[sizeof(buckets)];
  static buckets& all = *new (place) buckets;
  return all[(reinterpret_cast<std::uintptr_t>(object) >> 6) % all.size()];
}

// Replaces the exception's destructor: removes the entry, then calls the original.
void end(void* object) {
  std::unique_ptr<known_exception> ended;
  {
    bucket& within = bucket_of(object);
    const std::lock_guard lock(within.mutex);
    known_exception** const at = within.find(object);
    ended.reset(*at);
    *at = ended->next;
  }
  if (ended->destroy != nullptr) ended->destroy(object);
}

}  // namespace

void keep_known(const std::exception_ptr& exception, error known) noexcept {
  exception_header* const header = header_of(exception);
  if (header == nullptr) return;
  void* const object = object_of(exception);
  bucket& within = bucket_of(object);
  const std::lock_guard lock(within.mutex);
  if (known_exception* const there = *within.find(object)) {
    std::swap(there->known, known);
    return;
  }
  try {
    auto* const made = new known_exception(object, header->destroy, std::move(known));
    made->next = std::exchange(within.first, made);
    header->destroy = end;
  } catch (const std::bad_alloc&) {
    // the exception matters more than what is known of it
  }
}

std::optional<error> known_of(const std::exception_ptr& exception) noexcept {
  if (exception == nullptr) return std::nullopt;
  void* const object = object_of(exception);
  bucket& within = bucket_of(object);
  const std::lock_guard lock(within.mutex);
  if (const known_exception* const there = *within.find(object)) return there->known;
  return std::nullopt;
}

}  // namespace braid::detail
