#include "uring_setup.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <string>
#include <system_error>

#include "braid/base/detail/sanitizer.hpp"
#include "kernel_interface.hpp"

namespace braid::detail {

namespace {

int read_io_uring_disabled() noexcept {
  int value = -1;  // the file came with Linux 6.6
  if (std::FILE* file = std::fopen("/proc/sys/kernel/io_uring_disabled", "re")) {
    if (std::fscanf(file, "%d", &value) != 1) value = -1;
    std::fclose(file);
  }
  return value;
}

[[noreturn]] void refuse(int code) {
  const ring_refusal why = explain_refusal(code);
  throw std::system_error(code, std::generic_category(), "loop: io_uring: " + why.cause + ": " + why.remedy);
}

// liburing maps a ring by raw system calls, so ThreadSanitizer does not see that a new ring's memory is
// another one than that of an ended ring at the same address. So it is told before the one is unmapped, and
// asked after the other is mapped.
#if BRAID_TSAN
std::atomic<unsigned> rings_ended{0};
#endif

// In the order in which they are given up. DEFER_TASKRUN needs SINGLE_ISSUER, so that it goes first;
// COOP_TASKRUN takes its place.
constexpr unsigned droppable[] = {kernel::setup_no_sqarray,   IORING_SETUP_DEFER_TASKRUN,
                                  IORING_SETUP_SINGLE_ISSUER, IORING_SETUP_TASKRUN_FLAG,
                                  IORING_SETUP_COOP_TASKRUN,  IORING_SETUP_SUBMIT_ALL,
                                  IORING_SETUP_CLAMP,         IORING_SETUP_CQSIZE};

// io_uring_queue_init_params, but that one would write an array that is not there: liburing 2.3 does not know
// IORING_SETUP_NO_SQARRAY.
int make_ring(unsigned entries, io_uring& ring, io_uring_params& params) {
  const int descriptor = io_uring_setup(entries, &params);
  if (descriptor < 0) return descriptor;
  if (const int failed = io_uring_queue_mmap(descriptor, &params, &ring); failed < 0) {
    ::close(descriptor);
    return failed;
  }
#if BRAID_TSAN
  (void)rings_ended.load(std::memory_order_acquire);
#endif
  (void)io_uring_ring_dontfork(&ring);  // the memory is shared: a forked child must not write into it
  ring.features = params.features;
  if ((params.flags & kernel::setup_no_sqarray) == 0)
    for (unsigned i = 0; i < params.sq_entries; ++i) ring.sq.array[i] = i;
  return 0;
}

// -EINVAL is how a kernel refuses a flag that it does not know.
int initialise(io_uring& ring, unsigned entries, unsigned& flags) {
  std::size_t next_to_drop = 0;
  for (;;) {
    io_uring_params params{};
    params.flags = flags;
    params.cq_entries = entries * 8;
    const int failed = make_ring(entries, ring, params);
    if (failed != -EINVAL || next_to_drop == std::size(droppable)) return failed;
    const unsigned dropped = droppable[next_to_drop++];
    flags &= ~dropped;
    if (dropped == IORING_SETUP_DEFER_TASKRUN) flags |= IORING_SETUP_COOP_TASKRUN;
  }
}

}  // namespace

ring_refusal explain_refusal(int code) {
  const char* const seccomp =
      "let the container's seccomp profile allow io_uring_setup, io_uring_enter and "
      "io_uring_register";
  switch (code) {
    case ENOSYS:
      return {"the kernel has no io_uring, or a seccomp filter hides it",
              std::string("use Linux 5.19 or newer, or ") + seccomp};
    case EACCES:
    case EPERM: {
      const int disabled = read_io_uring_disabled();
      if (disabled > 0)
        return {"kernel.io_uring_disabled is " + std::to_string(disabled),
                "run sysctl kernel.io_uring_disabled=0, or join the group in kernel.io_uring_group"};
      return {"a seccomp filter or security module forbids io_uring", seccomp};
    }
    case EMFILE:
      return {"this process has no descriptor left", "raise RLIMIT_NOFILE (ulimit -n) or close some"};
    case ENFILE: return {"the system has no descriptor left", "raise fs.file-max"};
    case ENOMEM:
      return {"the ring's memory is refused", "raise RLIMIT_MEMLOCK (ulimit -l) or use fewer entries"};
    case EINVAL: return {"the number of entries does not suit", "give one from 1 to 32768"};
    default: return {"io_uring_setup failed", "see io_uring_setup(2), ERRORS"};
  }
}

void end_ring(io_uring& ring) noexcept {
#if BRAID_TSAN
  rings_ended.fetch_add(1, std::memory_order_acq_rel);
#endif
  io_uring_queue_exit(&ring);
}

ring_features set_up_ring(io_uring& ring, unsigned entries) {
  if (entries == 0 || entries > 32768) refuse(EINVAL);
  ring_features found;
  found.setup_flags = kernel::setup_no_sqarray | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER |
                      IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CLAMP |
                      IORING_SETUP_CQSIZE;
  if (const int failed = initialise(ring, entries, found.setup_flags); failed < 0) refuse(-failed);
  if (io_uring_probe* probe = io_uring_get_probe_ring(&ring)) {
    for (unsigned i = 0; i < probe->ops_len && i < found.operations.size(); ++i)
      found.operations[i] = (probe->ops[i].flags & IO_URING_OP_SUPPORTED) != 0;
    io_uring_free_probe(probe);
  }
  // IORING_OP_SOCKET came with the same kernel as cancelling everything at once, which no loop can end
  // without.
  if (!found.supports(IORING_OP_SOCKET) || (ring.features & IORING_FEAT_NODROP) == 0 ||
      (ring.features & IORING_FEAT_EXT_ARG) == 0) {
    end_ring(ring);
    refuse(ENOSYS);
  }
  found.registered = io_uring_register_ring_fd(&ring) == 1;
  // Of the kernel's threads for files there are few. Those that wait for a FIFO's other end, or for a dead
  // server, may not take them all. A kernel that refuses keeps its number.
  unsigned most_threads[] = {256, 0};  // for files; for all else as it is
  (void)io_uring_register_iowq_max_workers(&ring, most_threads);
  found.taskrun_flag = (found.setup_flags & IORING_SETUP_TASKRUN_FLAG) != 0;
  return found;
}

}  // namespace braid::detail
