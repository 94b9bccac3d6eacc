// What the samples of docs/phrasebook.md share. Each program runs its samples, and checks what each of them
// gives and how long it takes.
#pragma once

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>

#include "braid/braid.hpp"

using namespace std::chrono_literals;

/// A request that takes so long. "broken" has no answer.
inline braid::task<std::string> fetch(std::string name, std::chrono::milliseconds takes = 10ms) {
  co_await braid::sleep_for(takes);
  if (name == "broken") throw std::runtime_error("no answer");
  co_return name;
}

/// The samples of one program, on a virtual clock.
class samples {
 public:
  /// Runs a sample, which gives this value after this time.
  template <class Op, class Value>
  void expect(const char* name, Op&& op, const Value& value, std::chrono::milliseconds time = 0ms) {
    const auto began = clock_.now();
    auto got = braid::run(braid::as_result(std::forward<Op>(op)));
    const auto took = std::chrono::floor<std::chrono::milliseconds>(clock_.now() - began);
    if (!got) return fail(name, got.error().message());
    if (!(*got == value)) return fail(name, "gives another value");
    if (took != time) return fail(name, "takes " + std::to_string(took.count()) + " ms");
  }

  /// The program's exit status.
  [[nodiscard]] int failures() const { return failures_; }

 private:
  void fail(const char* name, const std::string& why) {
    std::fprintf(stderr, "%s: %s\n", name, why.c_str());
    ++failures_;
  }

  braid::sim::virtual_time clock_;
  int failures_ = 0;
};
