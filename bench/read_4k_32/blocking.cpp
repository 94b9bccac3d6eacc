#include <unistd.h>

#include <array>
#include <atomic>
#include <barrier>
#include <thread>

#include "read_4k/block_file.hpp"
#include "style.hpp"

namespace {

/// 32 threads that wait for work between runs. They use every core, while the loops use one.
class pread_threads {
 public:
  pread_threads() {
    for (auto& t : threads_) t = std::jthread([this] { serve(); });
  }
  ~pread_threads() {
    share_ = 0;
    begin_.arrive_and_wait();
  }

  std::uint64_t run(std::uint64_t n) {
    proof_ = 0;
    next_start_ = 0;
    share_ = n / threads_.size();
    begin_.arrive_and_wait();
    end_.arrive_and_wait();
    return proof_;
  }

 private:
  void serve() {
    bench::block_file::buffer room{};
    for (begin_.arrive_and_wait(); share_ > 0; begin_.arrive_and_wait()) {
      const std::uint64_t first = next_start_.fetch_add(share_);
      std::uint64_t proof = 0;
      for (std::uint64_t i = first; i < first + share_; ++i) {
        const auto at = static_cast<off_t>(file_.offset(i));
        const auto got = ::pread(file_.descriptor(), room.data(), room.size(), at);
        proof += bench::proof_of_read(static_cast<std::uint64_t>(got), room);
      }
      proof_ += proof;
      end_.arrive_and_wait();
    }
  }

  bench::block_file file_;
  std::uint64_t share_ = 0;  // the number of reads for each thread; 0 ends them
  std::atomic<std::uint64_t> next_start_ = 0;
  std::atomic<std::uint64_t> proof_ = 0;
  std::barrier<> begin_{33};
  std::barrier<> end_{33};
  std::array<std::jthread, 32> threads_;
};

const bench::add<pread_threads> here{"read_4k_32", "blocking"};

}  // namespace
