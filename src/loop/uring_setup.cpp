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

// liburing maps a ring by raw system calls. ThreadSanitizer therefore takes a new ring's memory for that of
// an ended ring at the same address. A release before the one is unmapped and an acquire after the other is
// mapped order the two.
#if BRAID_TSAN
std::atomic<unsigned> rings_ended{0};
#endif

// In the order in which they are dropped. DEFER_TASKRUN needs SINGLE_ISSUER, so it goes first; COOP_TASKRUN
// replaces it.
constexpr unsigned droppable[] = {kernel::setup_no_sqarray,   IORING_SETUP_DEFER_TASKRUN,
                                  IORING_SETUP_SINGLE_ISSUER, IORING_SETUP_TASKRUN_FLAG,
                                  IORING_SETUP_COOP_TASKRUN,  IORING_SETUP_SUBMIT_ALL,
                                  IORING_SETUP_CLAMP,         IORING_SETUP_CQSIZE};

// Does what io_uring_queue_init_params does. With IORING_SETUP_NO_SQARRAY, which liburing 2.3 does not know,
// that function would write an array that does not exist.
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
  (void)io_uring_ring_dontfork(&ring);  // a forked child must not write into the shared memory
  ring.features = params.features;
  if ((params.flags & kernel::setup_no_sqarray) == 0)
    for (unsigned i = 0; i < params.sq_entries; ++i) ring.sq.array[i] = i;
  return 0;
}

// A kernel refuses a flag that it does not know with -EINVAL.
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
    case EINVAL: return {"the number of entries is out of range", "give one from 1 to 32768"};
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
  // A loop can end only if it can cancel everything at once. The same kernel introduced IORING_OP_SOCKET,
  // which can be probed.
  if (!found.supports(IORING_OP_SOCKET) || (ring.features & IORING_FEAT_NODROP) == 0 ||
      (ring.features & IORING_FEAT_EXT_ARG) == 0) {
    end_ring(ring);
    refuse(ENOSYS);
  }
  found.registered = io_uring_register_ring_fd(&ring) == 1;
  // The kernel has few threads for files by default. Threads that wait for a FIFO's other end, or for a dead
  // server, must not take them all. A kernel that refuses keeps its limit.
  unsigned most_threads[] = {256, 0};  // for files; 0 keeps the limit for all else
  (void)io_uring_register_iowq_max_workers(&ring, most_threads);
  found.taskrun_flag = (found.setup_flags & IORING_SETUP_TASKRUN_FLAG) != 0;
  return found;
}

}  // namespace braid::detail
