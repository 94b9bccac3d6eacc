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
/// Lifetime  outlives its operations; the destructor waits for its threads.
/// Threads   any.
class office {
 public:
  /// Called before each mail: waits until the mail server has time.
  using mail_server = std::function<braid::task<>()>;

  office(std::filesystem::path root, mail_server server, stage::story& told);
  ~office() { join_threads(); }

  /// Writes a file in accounts/.
  [[nodiscard]] braid::task<> add_account(std::string address);
  /// Writes a file in spool/DOMAIN/, later; fails when the domain has no folder there.
  [[nodiscard]] braid::task<> send_welcome(std::string address);

  /// Keeps the error of a lost mail, with its asynchronous stack.
  void mail_failed(const braid::error& why);
  [[nodiscard]] std::vector<braid::error> failures() const;

  /// For the blocking style, which needs a thread for each mail.
  void in_a_thread(std::function<void()> work) { threads_.emplace_back(std::move(work)); }
  void join_threads() { threads_.clear(); }

  [[nodiscard]] std::filesystem::path account_file(const std::string& address) const;
  [[nodiscard]] std::filesystem::path spool_file(const std::string& address) const;

 private:
  const std::filesystem::path root_;
  const mail_server server_;
  stage::story* const told_;
  mutable std::mutex mutex_;
  std::vector<braid::error> failures_;  // guarded by the mutex
  std::vector<std::jthread> threads_;
};

}  // namespace fire_and_forget
