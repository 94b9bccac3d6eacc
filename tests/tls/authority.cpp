#include "tls/authority.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace braid_tests {

namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* what) const noexcept {
    Free(what);
  }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;

void expect(bool good) {
  if (!good) throw std::runtime_error("a test's certificate cannot be made");
}

template <class Write>
std::string in_pem(Write write) {
  const bio_ptr to(BIO_new(BIO_s_mem()));
  expect(to != nullptr && write(to.get()) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(to.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string in_pem(X509* certificate) {
  return in_pem([&](BIO* to) { return PEM_write_bio_X509(to, certificate); });
}

void add(X509* to, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  expect(made != nullptr && X509_add_ext(to, made, -1) == 1);
  X509_EXTENSION_free(made);
}

certificate_ptr unsigned_certificate(const subject& about, EVP_PKEY* key) {
  static long serial = 1;
  certificate_ptr made(X509_new());
  expect(made != nullptr);
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), about.begins);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), about.ends);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(about.name.c_str()), -1, -1, 0);
  expect(X509_set_pubkey(made.get(), key) == 1);
  return made;
}

}  // namespace

struct authority::state {
  key_ptr key{EVP_EC_gen("P-256")};
  certificate_ptr certificate;
};

authority::authority(const std::string& name) : state_(std::make_unique<state>()) {
  state_->certificate = unsigned_certificate({.name = name}, state_->key.get());
  X509* own = state_->certificate.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  add(own, own, NID_basic_constraints, "critical,CA:TRUE");
  add(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  expect(X509_sign(own, state_->key.get(), EVP_sha256()) != 0);
}
authority::~authority() = default;

identity authority::issue(const subject& about) const {
  const key_ptr key(EVP_EC_gen("P-256"));
  const certificate_ptr made = unsigned_certificate(about, key.get());
  X509* by = state_->certificate.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(by));
  if (!about.alternatives.empty()) add(made.get(), by, NID_subject_alt_name, about.alternatives);
  expect(X509_sign(made.get(), state_->key.get(), EVP_sha256()) != 0);
  return {in_pem(made.get()), in_pem([&](BIO* to) {
            return PEM_write_bio_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

braid::tls::pem authority::certificate() const {
  return braid::tls::pem::text(in_pem(state_->certificate.get()));
}

braid::tls::server_options serves_as(const identity& whom) {
  braid::tls::server_options how;
  how.certificate = braid::tls::pem::text(whom.certificate);
  how.key = braid::tls::pem::text(whom.key);
  return how;
}

braid::tls::client_options trusts(const authority& whom) {
  braid::tls::client_options how;
  how.system_authorities = false;
  how.authorities.push_back(whom.certificate());
  return how;
}

}  // namespace braid_tests
