#include "safetensors.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "atomic_file.hpp"
#include "message.hpp"

namespace uwm::safetensors {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

namespace {

/// The format's own limit.
constexpr std::uint64_t max_header = 100'000'000;
constexpr std::uint64_t alignment = 8;

std::uint64_t item_size(Dtype dtype) { return dtype == Dtype::f32 ? 4 : 8; }

/// The length of the UTF-8 sequence that the text starts with; 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    // neither overlong nor a surrogate
    const bool second = follows(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF);
    return second && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool second = follows(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
    return second && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

[[noreturn]] void fail_file(const fs::path& path, const std::string& what) {
  throw FileError(in_quotes(path.string()) + ": " + what);
}

/// What is wrong with a header; Reader adds the file's name.
struct Malformed {
  std::string what;
};

/// The part of JSON that the format uses, read by one function per shape that is expected: what nests
/// deeper, or is of another type, is refused where it stands.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  [[noreturn]] void fail(const std::string& expected) const {
    const std::string found = at_ < text_.size() ? in_quotes(text_.substr(at_, 1)) : "the end";
    throw Malformed{
        text("the header is not what it should be at byte ", at_, ": expected ", expected, ", found ", found)};
  }

  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!take(c)) fail(text("'", c, "'"));
  }

  bool at_end() {
    skip_space();
    return at_ == text_.size();
  }

  /// Calls member(key) with the cursor at each member's value; keys must differ.
  template <class F>
  void object(F member) {
    std::set<std::string> keys;
    expect('{');
    if (take('}')) return;
    do {
      const std::string key = string();
      if (!keys.insert(key).second) throw Malformed{"the header has " + in_quotes(key) + " twice"};
      expect(':');
      member(key);
    } while (take(','));
    expect('}');
  }

  std::vector<std::uint64_t> integers() {
    std::vector<std::uint64_t> values;
    expect('[');
    if (take(']')) return values;
    do values.push_back(integer());
    while (take(','));
    expect(']');
    return values;
  }

  std::string string() {
    expect('"');
    std::string value;
    while (true) {
      if (at_ >= text_.size()) fail("'\"'");
      const char c = text_[at_];
      if (c == '"') break;
      if (static_cast<unsigned char>(c) < 0x20) fail("no control character");
      if (c == '\\') {
        ++at_;
        escape(value);
        continue;
      }
      const std::size_t length = utf8_length(text_.substr(at_));
      if (length == 0) fail("UTF-8");
      value.append(text_.substr(at_, length));
      at_ += length;
    }
    ++at_;
    return value;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }

  std::uint64_t integer() {
    const char first = peek();
    if (first < '0' || first > '9') fail("a whole number");
    std::uint64_t value = 0;
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc() || (first == '0' && end - begin > 1)) fail("a whole number below 2^64");
    at_ += static_cast<std::size_t>(end - begin);
    return value;
  }

  std::uint32_t hex4() {
    std::uint32_t value = 0;
    const std::string_view digits = text_.substr(at_, 4);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 4 || error != std::errc() || end != digits.data() + 4) fail("four hexadecimal digits");
    at_ += 4;
    return value;
  }

  void escape(std::string& value) {
    constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    if (const auto which = letters.find(c); which != letters.npos) {
      value.push_back(meanings[which]);
      ++at_;
      return;
    }
    if (c != 'u') fail("an escape sequence");
    ++at_;
    std::uint32_t code = hex4();
    if (code >= 0xD800 && code < 0xDC00) {
      if (text_.substr(at_, 2) != "\\u") fail("the second half of a surrogate pair");
      at_ += 2;
      const std::uint32_t low = hex4();
      if (low < 0xDC00 || low > 0xDFFF) fail("the second half of a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
      fail("the first half of a surrogate pair");
    }
    append_utf8(value, code);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// a * b, or nothing where that is 2^64 or more.
std::optional<std::uint64_t> product(std::uint64_t a, std::uint64_t b) {
  if (b != 0 && a > UINT64_MAX / b) return std::nullopt;
  return a * b;
}

Entry parse_tensor(Cursor& cursor, const std::string& name) {
  Entry entry{};
  std::string dtype;
  std::vector<std::uint64_t> offsets;
  bool has_shape = false;
  cursor.object([&](const std::string& key) {
    if (key == "dtype") {
      dtype = cursor.string();
    } else if (key == "shape") {
      entry.shape = cursor.integers();
      has_shape = true;
    } else if (key == "data_offsets") {
      offsets = cursor.integers();
    } else {
      throw Malformed{text("tensor ", in_quotes(name), " has an unknown property ", in_quotes(key))};
    }
  });
  const auto check = [&](bool condition, const auto&... what) {
    if (!condition) throw Malformed{text("tensor ", in_quotes(name), " ", what...)};
  };
  check(dtype == "F32" || dtype == "F64", "must have dtype F32 or F64, got ", in_quotes(dtype));
  check(has_shape, "has no shape");
  check(offsets.size() == 2, "must have two data_offsets, got ", offsets.size());
  entry.dtype = dtype == "F32" ? Dtype::f32 : Dtype::f64;
  entry.begin = offsets[0];
  entry.end = offsets[1];
  check(entry.begin <= entry.end, "ends at byte ", entry.end, ", before it begins at ", entry.begin);
  std::optional<std::uint64_t> size = item_size(entry.dtype);
  for (const std::uint64_t n : entry.shape) {
    size = product(*size, n);
    check(size.has_value(), "has a shape that is too large");
  }
  check(*size == entry.end - entry.begin, "has ", entry.end - entry.begin, " bytes, its shape needs ", *size);
  return entry;
}

/// Names and numbers of the library's own: nothing in them needs an escape.
std::string json_string(std::string_view value) { return '"' + std::string(value) + '"'; }

}  // namespace

std::string in_quotes(std::string_view text) {
  std::string out = "'";
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0 || static_cast<unsigned char>(text[0]) < 0x20)
      out += '?';
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out += '\'';
  return out;
}

void write(const fs::path& path, const Metadata& metadata, const std::vector<View>& tensors) {
  std::string header = "{\"__metadata__\":{";
  for (const auto& [key, value] : metadata) {
    if (header.back() != '{') header += ',';
    header += json_string(key) + ':' + json_string(value);
  }
  header += '}';
  std::vector<std::uint64_t> sizes;
  std::uint64_t offset = 0;
  for (const View& tensor : tensors) {
    std::uint64_t size = item_size(tensor.dtype);
    std::string shape;
    for (const std::uint64_t n : tensor.shape) {
      size *= n;
      if (!shape.empty()) shape += ',';
      shape += std::to_string(n);
    }
    header += text(",", json_string(tensor.name), ":{\"dtype\":\"", tensor.dtype == Dtype::f32 ? "F32" : "F64",
                   "\",\"shape\":[", shape, "],\"data_offsets\":[", offset, ",", offset + size, "]}");
    sizes.push_back(size);
    offset += size;
  }
  header += '}';
  header.resize((header.size() + alignment - 1) / alignment * alignment, ' ');
  const std::uint64_t length = header.size();

  AtomicFile file(path);
  file.write(&length, sizeof length);
  file.write(header.data(), header.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) file.write(tensors[i].data, sizes[i]);
  file.publish();
}

Reader::Reader(const fs::path& path) : path_(path), file_(path) {
  const std::uint64_t size = file_.size();
  if (size < 8) fail(text("is no safetensors file: it has ", size, " bytes, the length of the header alone takes 8"));
  std::uint64_t length = 0;
  file_.read_at(0, &length, sizeof length);
  if (length > size - 8)
    fail(text("is cut short, or no safetensors file: a header of ", length, " bytes is announced and ", size - 8,
              " follow"));
  if (length > max_header) fail(text("has a header of ", length, " bytes; at most ", max_header, " are read"));
  std::string header(static_cast<std::size_t>(length), '\0');
  file_.read_at(8, header.data(), length);
  data_start_ = 8 + length;
  try {
    parse_header(header);
    check_offsets(size - data_start_);
  } catch (const Malformed& error) {
    fail(error.what);
  }
}

void Reader::fail(const std::string& what) const { fail_file(path_, what); }

void Reader::read(const Entry& tensor, void* out) const {
  file_.read_at(data_start_ + tensor.begin, out, tensor.end - tensor.begin);
}

void Reader::parse_header(std::string_view header) {
  Cursor cursor(header);
  if (header.empty() || header.front() != '{') cursor.fail("'{'");
  cursor.object([&](const std::string& name) {
    if (name == "__metadata__")
      cursor.object([&](const std::string& key) { metadata_.emplace(key, cursor.string()); });
    else
      tensors_.emplace(name, parse_tensor(cursor, name));
  });
  if (!cursor.at_end()) cursor.fail("nothing but padding");
}

void Reader::check_offsets(std::uint64_t data_size) const {
  std::vector<std::pair<Entry, std::string>> sorted;
  for (const auto& [name, entry] : tensors_) sorted.emplace_back(entry, name);
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.begin, a.first.end) < std::pair(b.first.begin, b.first.end);
  });
  std::uint64_t end = 0;
  for (const auto& [entry, name] : sorted) {
    if (entry.end > data_size)
      throw Malformed{text("is cut short: tensor ", in_quotes(name), " ends at byte ", entry.end, " of ", data_size)};
    if (entry.begin < end) throw Malformed{"tensor " + in_quotes(name) + " overlaps another"};
    if (entry.begin > end) throw Malformed{"there is a gap before tensor " + in_quotes(name)};
    end = entry.end;
  }
  if (end != data_size) throw Malformed{text(data_size - end, " bytes after the last tensor belong to none")};
}

}  // namespace uwm::safetensors
