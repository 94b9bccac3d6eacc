#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "workload.hpp"

namespace bench {

/// One workload in one style: the constructor sets everything up, and run does nothing but operations.
///
/// Threads  built, run and destroyed on one thread.
class fixture {
 public:
  virtual ~fixture() = default;

  /// Performs n operations and returns the proof that it did, which must equal workload::proof(n).
  virtual std::uint64_t run(std::uint64_t n) = 0;
};

/// One way of waiting (raw, blocking, callback, …), as it registered itself for one workload.
struct style {
  std::string_view workload;
  std::string_view name;
  std::unique_ptr<fixture> (*make)();
};

/// The styles registered for a workload, raw first.
std::vector<style> styles_of(const workload& of);

/// The names of all registered styles, in the order of the table.
std::vector<std::string> style_names();

/// Remembers a style for styles_of. Throws std::logic_error on an unknown workload.
void register_style(style added);

template <class Fixture>
concept runs_operations = std::default_initializable<Fixture> && requires(Fixture f, std::uint64_t n) {
  { f.run(n) } -> std::same_as<std::uint64_t>;
};

/// A static object of this type is all it takes to add a style: `const add<my_fixture> here{"nop", "fiber"};`
template <runs_operations Fixture>
class add {
 public:
  add(std::string_view workload, std::string_view style_name) {
    register_style({workload, style_name, make});
  }

 private:
  struct model final : fixture {
    Fixture held{};
    std::uint64_t run(std::uint64_t n) override { return held.run(n); }
  };
  static std::unique_ptr<fixture> make() { return std::make_unique<model>(); }
};

/// The fixture of a style that needs nothing but one Host, a ring or a loop: `with<braid::loop, run_nops>`.
template <class Host, auto Run>
struct with {
  Host host{};
  std::uint64_t run(std::uint64_t n) { return Run(host, n); }
};

}  // namespace bench
