#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include <thread>

#include "style.hpp"

namespace {

class turn_lamp {
 public:
  turn_lamp() { sem_init(&lamp_, 0, 0); }
  ~turn_lamp() { sem_destroy(&lamp_); }
  turn_lamp(const turn_lamp&) = delete;
  turn_lamp& operator=(const turn_lamp&) = delete;
  void light() { sem_post(&lamp_); }
  void wait() {
    while (sem_wait(&lamp_) != 0) {}
  }

 private:
  sem_t lamp_;
};

/// Two threads on one core take turns, so that each turn is one switch by the kernel, as each turn of the
/// other styles is one switch by the run queue.
class two_threads {
 public:
  ~two_threads() {
    leaving_ = true;
    theirs_.light();
  }

  std::uint64_t run(std::uint64_t n) {
    cpu_set_t before;
    pthread_getaffinity_np(pthread_self(), sizeof before, &before);
    share_one_core();
    const std::uint64_t already = turns_;
    while (turns_ - already < n) {
      ++turns_;
      theirs_.light();
      mine_.wait();
    }
    pthread_setaffinity_np(pthread_self(), sizeof before, &before);
    return turns_ - already;
  }

 private:
  void share_one_core() {
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(static_cast<unsigned>(sched_getcpu()), &here);
    pthread_setaffinity_np(pthread_self(), sizeof here, &here);
    pthread_setaffinity_np(other_.native_handle(), sizeof here, &here);
  }

  void answer() {
    for (theirs_.wait(); !leaving_; theirs_.wait()) {
      ++turns_;
      mine_.light();
    }
  }

  turn_lamp mine_;
  turn_lamp theirs_;
  std::uint64_t turns_ = 0;  // written by the thread that has the turn
  bool leaving_ = false;     // likewise
  std::jthread other_{[this] { answer(); }};
};

const bench::add<two_threads> here{"switch", "blocking"};

}  // namespace
