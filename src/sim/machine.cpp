#include "machine.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <new>
#include <utility>

#include "braid/base/detail/poison.hpp"
#include "braid/loop/detail/buffer_pool.hpp"
#include "computer.hpp"
#include "disk/disk.hpp"
#include "disk/disk_file.hpp"
#include "network/network.hpp"
#include "network/socket_object.hpp"
#include "pipe.hpp"
#include "reactor.hpp"
#include "schedule/timeline.hpp"

namespace braid::sim::detail {

namespace {

// No descriptor of the real kernel has so large a number, so a simulated descriptor that is used outside of
// its world is a bad one.
constexpr int first_descriptor = 1 << 30;

const char* path_of(const request& what) noexcept { return static_cast<const char*>(what.address); }

}  // namespace

void object::changed() {
  if (waits_on_ != nullptr) waits_on_->retry(*this);
}

machine::machine(host& of, computer& runs_on, timeline& time, network& connects)
    : world_(of.within()),
      host_(of),
      computer_(runs_on),
      time_(time),
      network_(connects),
      disk_(std::make_unique<disk>(*this, of.options().disk)) {}
machine::~machine() = default;

// ---- requests -------------------------------------------------------------------------------------------

void machine::submit(io_operation& operation) {
  request what = operation.what();
  make_room(pending_.size() + 1);
  time_.note(host_, {"begins", what.code, what.descriptor, what.length});
  if (what.code == opcode::nop) return add_completion({&operation, {}});
  const std::uint64_t number = ++begun_;
  pending& made = pending_[number] = {&operation, number, what, find(what.descriptor)};
  try {
    numbers_[&operation] = number;
    begin(number, made);
  } catch (const std::bad_alloc&) {
    numbers_.erase(&operation);
    pending_.erase(number);
    throw;
  }
}

void machine::begin(std::uint64_t number, pending& made) {
  const request what = made.what;
  loop_clock::duration after{};
  if (made.on != nullptr)
    after = made.on->latency(what);
  else if (what.code == opcode::open || what.code == opcode::status)
    after = disk_->latency(what);
  if (const auto hit = world_.faults().next(what, host_.name(), world_.draws())) after += meet(*hit, made);
  if (after == loop_clock::duration::zero()) return attempt(number);
  time_.at(loop_clock::later_than(time_.now(), after), [this, number] { attempt(number); });
}

// Reserves memory for that many more completions, so that a completion always has room.
void machine::make_room(std::size_t more) {
  const std::size_t needed = completed_.size() + more;
  if (needed > completed_.capacity()) completed_.reserve(std::max(needed, 2 * completed_.capacity()));
}

// Applies the fault; returns by how much it delays the attempt.
loop_clock::duration machine::meet(const fault_schedule::hit& fault, pending& one) {
  time_.note(host_, {sim::name_of(fault.what), one.what.code, one.what.descriptor, 0});
  request& what = one.what;
  switch (fault.what) {
    case sim::fault::late:
    case sim::fault::would_block: return fault.delay;
    case sim::fault::short_read:
    case sim::fault::short_write:
      what = first_part_of(what);
      if (what.length > 1)
        what.length = 1 + static_cast<std::uint32_t>(world_.draws().among(what.length - 1));
      // nor may the transfer wait until everything has arrived
      if (what.code == opcode::receive) what.flags &= ~static_cast<std::uint32_t>(MSG_WAITALL);
      return {};
    case sim::fault::io_error:
      if (what.code == opcode::fsync && one.on != nullptr) one.on->sync_failed();
      break;
    case sim::fault::reset:
      if (one.on != nullptr) one.on->reset();
      break;
    case sim::fault::lost:
    case sim::fault::duplicated:
    case sim::fault::delayed:
      if (one.on != nullptr) one.on->meets(fault);
      return {};
    default: break;
  }
  one.answer = result_of(fault.what);
  return {};
}

void machine::attempt(std::uint64_t number) {
  const auto found = pending_.find(number);
  if (found == pending_.end()) return;  // cancelled meanwhile
  pending& one = found->second;
  one.waits = false;
  try {
    const auto ended = one.answer ? one.answer : carry_out(one);
    if (ended) return complete(number, {*ended, 0});
    if (one.given_up) return complete(number, {-ECANCELED, 0});
    one.on->waiting_.push_back(number);
  } catch (const std::bad_alloc&) {
    return complete(number, {-ENOMEM, 0});
  }
  one.waits = true;
  one.on->waits_on_ = this;
}

void machine::retry(object& changed) {
  for (const std::uint64_t each : std::exchange(changed.waiting_, {})) attempt(each);
}

std::optional<std::int32_t> machine::carry_out(pending& one) {
  const request& what = one.what;
  switch (what.code) {
    case opcode::open: return open(what);
    case opcode::rename: return disk_->rename(path_of(what), reinterpret_cast<const char*>(what.offset));
    case opcode::unlink: return disk_->remove(path_of(what), what.flags != 0);
    case opcode::make_directory: return disk_->make_directory(path_of(what), what.length);
    case opcode::socket:
      return socket(what.descriptor, static_cast<int>(what.offset), static_cast<int>(what.length));
    case opcode::close: return close(what.descriptor);
    case opcode::cancel_descriptor: return cancel_descriptor(what.descriptor, one.number);
    case opcode::status:
      if (*path_of(what) != '\0')
        return disk_->status(path_of(what), *reinterpret_cast<struct statx*>(what.offset));
      break;
    default: break;
  }
  if (one.on == nullptr) return -EBADF;
  if (what.code == opcode::accept_many) return accept_all(one);
  if (what.code == opcode::receive_many) return receive_all(one);
  const request::buffer filled = what.filled_buffer();
  braid::detail::unpoison(filled.address, filled.length);
  const auto ended = one.on->attempt(what);
  braid::detail::poison(filled.address, filled.length);
  return ended;
}

std::int32_t machine::open(const request& what) {
  if (full()) return -EMFILE;
  std::shared_ptr<object> opened;
  const std::int32_t failed = disk_->open(path_of(what), static_cast<int>(what.flags), what.length, opened);
  return failed < 0 ? failed : install(std::move(opened));
}

std::optional<std::int32_t> machine::accept_all(pending& one) {
  for (;;) {
    make_room(pending_.size() + 1);
    const auto accepted = one.on->attempt(one.what);
    if (!accepted || *accepted < 0) return accepted;
    add_completion({one.operation, {*accepted, completion::more}});
  }
}

std::optional<std::int32_t> machine::receive_all(pending& one) {
  braid::detail::buffer_pool& buffers = *computer_.reactor()->buffers();
  for (;;) {
    make_room(pending_.size() + 1);
    const auto id = buffers.take();
    if (!id) {
      const auto ready = one.on->attempt({.code = opcode::poll, .flags = POLLIN});
      return ready && *ready > 0 ? -ENOBUFS : ready;
    }
    request into = one.what;
    into.code = opcode::receive;
    into.address = buffers.data(*id);
    into.length = buffers.size;
    braid::detail::unpoison(into.address, into.length);
    const auto got = one.on->attempt(into);
    braid::detail::poison(into.address, into.length);
    if (!got || *got <= 0) {
      buffers.put_back();
      return got;
    }
    add_completion({one.operation, {*got, completion::in_buffer(*id)}});
  }
}

// Returns how many it found. Completions that were not delivered yet count, or the descriptor would be closed
// before their operations finish.
std::int32_t machine::cancel_descriptor(int descriptor, std::uint64_t asked_by) {
  std::int32_t found = 0;
  for (const completed& each : completed_) found += each.operation->what().descriptor == descriptor ? 1 : 0;
  for (auto next = pending_.begin(); next != pending_.end();) {
    const auto& [number, each] = *next++;
    if (number == asked_by || each.what.descriptor != descriptor) continue;
    complete(number, {-ECANCELED, 0});
    ++found;
  }
  return found;
}

void machine::complete(std::uint64_t number, completion ended) {
  const auto found = pending_.find(number);
  const pending& one = found->second;
  io_operation* const operation = one.operation;
  if (one.waits) std::erase(one.on->waiting_, number);
  pending_.erase(found);
  numbers_.erase(operation);
  add_completion({operation, ended});
}

void machine::add_completion(completed one) {
  completed_.push_back(one);
  computer_.changed();
}

// A request that a device is carrying out may be too late to stop.
void machine::cancel(io_operation& operation) {
  const auto found = numbers_.find(&operation);
  if (found == numbers_.end()) return;  // it has ended
  pending& one = pending_.at(found->second);
  const bool in_device = !one.waits && one.what.code != opcode::connect;
  if (in_device && world_.draws().among(2) == 1) {
    one.given_up = true;
    return;
  }
  complete(found->second, {-ECANCELED, 0});
}

void machine::cancel_all() {
  while (!pending_.empty()) complete(pending_.begin()->first, {-ECANCELED, 0});
}

// ---- descriptors ----------------------------------------------------------------------------------------

bool machine::full() const noexcept {
  return descriptors_.size() >= static_cast<std::size_t>(host_.options().most_descriptors);
}

int machine::install(std::shared_ptr<object> what) {
  if (full()) return -EMFILE;
  int number = first_descriptor_;
  for (const auto& [taken, by] : descriptors_) {
    if (taken != number) break;
    ++number;
  }
  descriptors_.emplace(number, std::move(what));
  return number;
}

std::shared_ptr<object> machine::find(int descriptor) const {
  const auto found = descriptors_.find(descriptor);
  return found == descriptors_.end() ? nullptr : found->second;
}

int machine::pipe(int (&ends)[2]) noexcept try {
  auto [reader, writer] = make_pipe();
  ends[0] = install(std::move(reader));
  if (ends[0] < 0) return ends[0];
  ends[1] = install(std::move(writer));
  if (ends[1] >= 0) return 0;
  close(ends[0]);
  return ends[1];
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

int machine::close(int descriptor) noexcept {
  const auto found = descriptors_.find(descriptor);
  if (found == descriptors_.end()) return -EBADF;
  const std::shared_ptr<object> last = std::move(found->second);
  descriptors_.erase(found);
  last->closed();
  return 0;
}

file_traits machine::traits_of(int descriptor) noexcept {
  const auto what = find(descriptor);
  return {.identity = static_cast<std::uint32_t>(descriptor),
          .known = what != nullptr,
          .has_position = dynamic_cast<disk_file*>(what.get()) != nullptr};
}
bool machine::share_position(int one, int other) noexcept { return find(one) == find(other); }

std::string machine::describe(int descriptor) {
  const auto what = find(descriptor);
  return what != nullptr ? what->describe() : "descriptor " + std::to_string(descriptor);
}

// Each boot has its own range of numbers, so that a descriptor kept from before a crash is a bad one.
void machine::get_power(unsigned boots) noexcept {
  powered_ = true;
  first_descriptor_ = first_descriptor + static_cast<int>((boots % 0x3fff) << 16);
}

// A request that the disk was carrying out may have taken effect, although it is never completed.
void machine::lose_power() {
  powered_ = false;
  for (auto& [number, one] : pending_) {
    const bool of_disk =
        one.what.code == opcode::write || one.what.code == opcode::fsync || one.what.code == opcode::truncate;
    if (of_disk && !one.waits && !one.answer && world_.draws().among(2) == 1) (void)carry_out(one);
  }
  cancel_all();
  network_.lose_power(*this);
  descriptors_.clear();
  disk_->crash();
}

// ---- sockets --------------------------------------------------------------------------------------------

int machine::socket(int family, int type, int protocol) noexcept {
  if (!powered_) return -ENETDOWN;
  if (full()) return -EMFILE;
  try {
    int failed = 0;
    auto made = network_.make_socket(*this, family, type, protocol, failed);
    return made != nullptr ? install(std::move(made)) : failed;
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
}

template <class Ask>
int machine::ask_socket(int descriptor, Ask ask) const noexcept {
  const auto what = find(descriptor);
  if (what == nullptr) return -EBADF;
  auto* const asked = dynamic_cast<socket_object*>(what.get());
  try {
    return asked != nullptr ? ask(*asked) : -ENOTSOCK;
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
}
int machine::bind(int socket, const sockaddr* address, socklen_t length) noexcept {
  return ask_socket(socket, [&](socket_object& its) { return its.bind(address, length); });
}
int machine::listen(int socket, int backlog) noexcept {
  return ask_socket(socket, [&](socket_object& its) { return its.listen(backlog); });
}
int machine::connect(int socket, const sockaddr* address, socklen_t length) noexcept {
  return ask_socket(socket, [&](socket_object& its) { return its.connect(address, length); });
}
int machine::set_option(int socket, int level, int name, const void* value, socklen_t length) noexcept {
  return ask_socket(socket, [&](socket_object& its) { return its.set_option(level, name, value, length); });
}
int machine::local_name(int socket, sockaddr_storage& name) noexcept {
  return ask_socket(socket, [&](socket_object& its) { return its.local_name(name); });
}
int machine::peer_name(int socket, sockaddr_storage& name) noexcept {
  return ask_socket(socket, [&](socket_object& its) { return its.peer_name(name); });
}

int machine::look_up(const std::string& name, const std::string& service,
                     std::vector<sockaddr_storage>& found) {
  std::uint16_t port = 0;
  const char* const end = service.data() + service.size();
  if (const auto [rest, failed] = std::from_chars(service.data(), end, port);
      failed != std::errc{} || rest != end)
    return EAI_SERVICE;
  const host* const meant = world_.find(name);
  const std::string& address = meant != nullptr ? meant->address() : name == "localhost" ? "127.0.0.1" : name;
  sockaddr_storage made{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(made);
  if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) != 1) return EAI_NONAME;
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  found.push_back(made);
  return 0;
}

}  // namespace braid::sim::detail
