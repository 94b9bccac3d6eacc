#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <braid/base/error.hpp>
#include <braid/style/task.hpp>

#include "stage/story.hpp"

namespace fire_and_forget {

/// Keeps accounts, and writes mail into a spool folder that has one folder for each domain it can reach.
///
/// Lifetime  outlives what it was asked to do; the destructor waits for its threads.
/// Threads   any.
class office {
 public:
  /// Waits until the mail server has time: before each mail.
  using mail_server = std::function<braid::task<>()>;

  office(std::filesystem::path root, mail_server server, stage::story& told);
  ~office() { join_threads(); }

  /// A file in accounts/.
  [[nodiscard]] braid::task<> add_account(std::string address);
  /// Later, a file in spool/DOMAIN/; an error when the domain has no folder there.
  [[nodiscard]] braid::task<> send_welcome(std::string address);

  /// A mail was lost: its error is kept, with the asynchronous stack that came with it.
  void mail_failed(const braid::error& why);
  [[nodiscard]] std::vector<braid::error> failures() const;

  /// For the style that has nothing but threads.
  void in_a_thread(std::function<void()> work) { threads_.emplace_back(std::move(work)); }
  void join_threads() { threads_.clear(); }

  [[nodiscard]] std::filesystem::path account_file(const std::string& address) const;
  [[nodiscard]] std::filesystem::path spool_file(const std::string& address) const;

 private:
  const std::filesystem::path root_;
  const mail_server server_;
  stage::story* const told_;
  mutable std::mutex mutex_;
  std::vector<braid::error> failures_;  // under the mutex
  std::vector<std::jthread> threads_;
};

}  // namespace fire_and_forget
