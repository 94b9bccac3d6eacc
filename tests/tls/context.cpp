#include "braid/tls/context.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "braid/base/error.hpp"
#include "braid/tls/error.hpp"
#include "catch.hpp"
#include "scratch_folder.hpp"
#include "tls/connection.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

void put(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }

template <class Options>
std::string why_not(const Options& how) {
  try {
    const tls::context made(how);
  } catch (const std::exception& failed) {
    return failed.what();
  }
  return "made";
}

}  // namespace

TEST_CASE("tls::context: certificate, key and authorities may be files", "[tls][context]") {
  const scratch_folder folder;
  const surroundings& our = here_and_now();
  put(folder / "chain.pem", our.server.certificate + our.ours.certificate().what());
  put(folder / "key.pem", our.server.key);
  put(folder / "ca.pem", our.ours.certificate().what());
  tls::server_options serves;
  serves.certificate = tls::pem::file(folder / "chain.pem");
  serves.key = tls::pem::file(folder / "key.pem");
  tls::client_options client;
  client.system_authorities = false;
  client.authorities = {tls::pem::file(folder / "ca.pem")};
  loop here;
  const shaken ends = shake_hands({}, tls::context(client), tls::context(serves));
  CHECK(ends.near);
  CHECK(ends.far);
  // What SSL_CERT_FILE names is the system's.
  ::setenv("SSL_CERT_FILE", (folder / "ca.pem").c_str(), 1);
  const shaken system = shake_hands({}, tls::context(tls::client_options{}), tls::context(serves));
  CHECK(system.near);
  ::setenv("SSL_CERT_FILE", (folder / "none.pem").c_str(), 1);
  CHECK_THAT(why_not(tls::client_options{}), contains("none.pem: No such file or directory"));
  ::unsetenv("SSL_CERT_FILE");
}

TEST_CASE("tls::context: a file or a text that is of no use is named", "[tls][context]") {
  const scratch_folder folder;
  const identity& ours = here_and_now().server;
  tls::server_options how = serves_as(ours);
  CHECK(why_not(how) == "made");
  how.certificate = tls::pem::file(folder / "absent.pem");
  CHECK(why_not(how) == "tls::context " + (folder / "absent.pem").string() + ": No such file or directory");
  how.certificate = tls::pem::file(folder.path());
  CHECK(why_not(how) == "tls::context " + folder.path().string() + ": Is a directory");
  how.certificate = tls::pem::file(std::string("a.pem\0", 6));
  CHECK(why_not(how) == "tls::context a.pem (a zero byte): Invalid argument");
  how.certificate = tls::pem::text("nothing");
  CHECK(why_not(how) == "tls::context (certificate) (no start line): TLS failed");
  std::string cut = ours.certificate;
  cut.resize(cut.size() / 2);
  how.certificate = tls::pem::text(ours.certificate + cut);
  CHECK_THAT(why_not(how), contains("(certificate)"));
  how = serves_as(ours);
  how.key = tls::pem::text(here_and_now().ours.issue().key);
  CHECK(why_not(how) == "tls::context (key) (key values mismatch): TLS failed");
  how.key =
      tls::pem::text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
  CHECK_THAT(why_not(how), contains("(key)"));
  how.key = {};
  CHECK(why_not(how) == "tls::context: a certificate needs its key, and a key its certificate");
  CHECK(why_not(tls::server_options{}) == "tls::context: a server needs a certificate");
  how = serves_as(ours);
  how.client_certificates = tls::client_certificate::required;
  CHECK(why_not(how) == "tls::context: clients' certificates need authorities");
  how = serves_as(ours);
  how.protocols = {std::string(256, 'x')};
  CHECK(why_not(how) == "tls::context: the name of a protocol has 1 to 255 bytes");
}

TEST_CASE("tls::context: serves the loops of several threads at once", "[tls][context][threads]") {
  const surroundings& our = here_and_now();
  const tls::context trusting(trusts(our.ours)), serving(serves_as(our.server));
  std::atomic<int> good = 0, resumed = 0;
  const auto work = [&] {
    loop here;
    for (int i = 0; i < 20; ++i) {
      shaken ends = shake_hands({}, trusting, serving);
      std::string room(2, '?');
      here.run(ends.far.value().write_all("hi"));
      here.run(ends.near.value().read_exactly(room));
      good += room == "hi" ? 1 : 0;
      resumed += ends.near->is_resumed() ? 1 : 0;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (std::thread& each : threads) each.join();
  CHECK(good == 80);
  CHECK(resumed > 0);
}
