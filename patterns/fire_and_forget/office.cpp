#include "office.hpp"

#include <braid/fs/whole_file.hpp>

using namespace braid;

namespace fire_and_forget {
namespace {

std::string name_in(const std::string& address) { return address.substr(0, address.find('@')); }
std::string domain_of(const std::string& address) { return address.substr(address.find('@') + 1); }

}  // namespace

office::office(std::filesystem::path root, mail_server server, stage::story& told)
    : root_(std::move(root)), server_(std::move(server)), told_(&told) {
  std::filesystem::create_directories(root_ / "accounts");
  std::filesystem::create_directories(root_ / "spool" / "example.org");
}

std::filesystem::path office::account_file(const std::string& address) const {
  return root_ / "accounts" / address;
}

std::filesystem::path office::spool_file(const std::string& address) const {
  return root_ / "spool" / domain_of(address) / name_in(address);
}

task<> office::add_account(std::string address) {
  const std::string line = address + " has an account\n";
  co_await write_file(account_file(address), line);
  told_->tell("account " + name_in(address));
}

task<> office::send_welcome(std::string address) {
  co_await server_();
  const std::string mail = "To: " + address + "\nSubject: Welcome\n\nGood to have you here.\n";
  co_await write_file(spool_file(address), mail);
  told_->tell("mail to " + name_in(address));
}

void office::mail_failed(const error& why) {
  told_->tell("a mail is lost");
  const std::lock_guard guard(mutex_);
  failures_.push_back(why);
}

std::vector<error> office::failures() const {
  const std::lock_guard guard(mutex_);
  return failures_;
}

}  // namespace fire_and_forget
