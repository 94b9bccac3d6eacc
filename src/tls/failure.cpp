#include "failure.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <string_view>
#include <utility>

#include "braid/tls/error.hpp"

namespace braid::tls {

namespace {

errc kind_of_certificate(long verified) noexcept {
  switch (verified) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return errc::certificate_expired;
    case X509_V_ERR_CERT_NOT_YET_VALID: return errc::certificate_not_yet_valid;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return errc::wrong_host;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED: return errc::certificate_untrusted;
    default: return errc::certificate_invalid;
  }
}

constexpr int first_alert = 1000;  // from here on a reason is an alert of the peer

errc kind_of(int reason, long verified) noexcept {
  switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED: return kind_of_certificate(verified);
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return errc::certificate_missing;
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case first_alert + SSL_AD_NO_APPLICATION_PROTOCOL: return errc::no_common_protocol;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
    case first_alert + SSL_AD_PROTOCOL_VERSION: return errc::no_common_version;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST: return errc::not_tls;
    default: return reason >= first_alert ? errc::refused : errc::failed;
  }
}

const char* text_of(errc e) noexcept {
  switch (e) {
    case errc::failed: return "TLS failed";
    case errc::truncated: return "the connection ended without a close_notify";
    case errc::handshake_timed_out: return "the handshake took too long";
    case errc::certificate_expired: return "certificate has expired";
    case errc::certificate_not_yet_valid: return "certificate is not yet valid";
    case errc::certificate_untrusted: return "the certificate is not of a trusted authority";
    case errc::certificate_invalid: return "the certificate is not valid";
    case errc::certificate_missing: return "the peer gave no certificate";
    case errc::wrong_host: return "the certificate is for another host";
    case errc::no_common_protocol: return "no application protocol in common";
    case errc::no_common_version: return "no version of TLS in common";
    case errc::not_tls: return "the peer does not speak TLS";
    case errc::refused: return "the peer refused";
  }
  return "unknown error";
}

class category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "tls"; }
  [[nodiscard]] std::string message(int value) const override { return text_of(static_cast<errc>(value)); }
  [[nodiscard]] std::error_condition default_error_condition(int value) const noexcept override {
    if (static_cast<errc>(value) == errc::handshake_timed_out)
      return std::make_error_condition(std::errc::timed_out);
    return {value, *this};
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  static const category one;
  return one;
}

namespace detail {

void forget_errors() noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

error failure(const char* call, std::string object, long verified) {
  const unsigned long first = ERR_get_error();  // the others follow from it
  ERR_clear_error();
  const int reason = ERR_GET_REASON(first);
  if (reason == ERR_R_MALLOC_FAILURE) return error::out_of_memory();
  errc kind = errc::failed;
  const char* text = ERR_reason_error_string(first);
  if (ERR_GET_LIB(first) == ERR_LIB_SSL) {
    kind = kind_of(reason, verified);
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) text = X509_verify_cert_error_string(verified);
  }
  if (text != nullptr && std::string_view(text) != text_of(kind))
    object.append(object.empty() ? "(" : " (").append(text).append(")");
  return {kind, call, std::move(object)};
}

}  // namespace detail

}  // namespace braid::tls
