#include "types.hpp"

#include <array>

namespace braid::postgres::detail {

namespace {

struct known_type {
  unsigned oid, array;
  const char* name;
};
constexpr std::array known_types{
    known_type{oid::boolean, 1000, "bool"},
    known_type{oid::bytea, 1001, "bytea"},
    known_type{18, 1002, "char"},
    known_type{oid::name, 1003, "name"},
    known_type{oid::int8, 1016, "int8"},
    known_type{oid::int2, 1005, "int2"},
    known_type{oid::int4, 1007, "int4"},
    known_type{oid::text, 1009, "text"},
    known_type{oid::oid, 1028, "oid"},
    known_type{oid::json, 199, "json"},
    known_type{oid::float4, 1021, "float4"},
    known_type{oid::float8, 1022, "float8"},
    known_type{oid::unknown, 0, "unknown"},
    known_type{oid::bpchar, 1014, "bpchar"},
    known_type{oid::varchar, 1015, "varchar"},
    known_type{oid::date, 1182, "date"},
    known_type{1083, 1183, "time"},
    known_type{oid::timestamp, 1115, "timestamp"},
    known_type{oid::timestamptz, 1185, "timestamptz"},
    known_type{1186, 1187, "interval"},
    known_type{oid::numeric, 1231, "numeric"},
    known_type{2278, 0, "void"},
    known_type{oid::uuid, 2951, "uuid"},
    known_type{oid::jsonb, 3807, "jsonb"},
};

}  // namespace

std::string type_name(unsigned type) {
  for (const known_type& each : known_types) {
    if (each.oid == type) return each.name;
    if (each.array != 0 && each.array == type) return std::string(each.name) + "[]";
  }
  return "type " + std::to_string(type);
}

unsigned element_type(unsigned array) noexcept {
  for (const known_type& each : known_types)
    if (each.array != 0 && each.array == array) return each.oid;
  return 0;
}

}  // namespace braid::postgres::detail
