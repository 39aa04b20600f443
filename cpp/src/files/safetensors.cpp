// The safetensors format: writing it, and reading it without trust in what it says.

#include "files/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "files/atomic_file.hpp"
#include "files/crc32.hpp"
#include "work/message.hpp"

namespace uwm::safetensors {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

namespace {

/// The largest network has 4,096 layers and, with Adam, six tensors in each: 4 MB of header. The limits keep a damaged
/// or malicious file from asking for more memory than a header is worth.
constexpr std::uint64_t max_header = 16 << 20;
constexpr std::size_t max_entries = 100'000;
constexpr std::size_t max_dimensions = 32;
constexpr std::uint64_t max_bytes = std::uint64_t{1} << 62;
constexpr std::uint64_t alignment = 8;

constexpr const char* checksum_key = "crc32";
constexpr std::string_view no_digits = "00000000";

/// The format's names, in the order of Dtype.
constexpr std::string_view dtype_names[] = {"BOOL", "I8",  "U8",  "I16", "U16", "F16",
                                            "I32",  "U32", "F32", "I64", "U64", "F64"};

std::string_view dtype_name(Dtype dtype) { return dtype_names[static_cast<std::size_t>(dtype)]; }

std::optional<Dtype> dtype_from(std::string_view name) {
  const auto* const found = std::find(std::begin(dtype_names), std::end(dtype_names), name);
  if (found == std::end(dtype_names)) return std::nullopt;
  return static_cast<Dtype>(found - std::begin(dtype_names));
}

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
  const std::string name = path.string();
  throw FileError(in_quotes(name, name.size()) + ": " + what);
}

/// An error that says what is wrong with a header. Reader adds the file's name.
struct Malformed {
  std::string what;
};

/// Reads the part of JSON that the format uses. There is one function for each shape of value that is expected. A value
/// that nests deeper, or is of another type, is refused where it stands.
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

  /// Calls member(key) for each member of an object, with the cursor at its value. Keys must differ.
  template <class F>
  void object(F member) {
    std::set<std::string> keys;
    expect('{');
    if (take('}')) return;
    do {
      const std::string key = string();
      if (++n_keys_ > max_entries) throw Malformed{text("the header has more than ", max_entries, " names")};
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
    do {
      values.push_back(integer());
      if (values.size() > max_dimensions) throw Malformed{text("a list has more than ", max_dimensions, " numbers")};
    } while (take(','));
    expect(']');
    return values;
  }

  /// The place of the next byte that is not a space.
  std::size_t place() {
    skip_space();
    return at_;
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
  std::size_t n_keys_ = 0;
};

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
  const auto known = dtype_from(dtype);
  check(known.has_value(), "must have a dtype of NumPy's, got ", in_quotes(dtype));
  check(has_shape, "has no shape");
  check(offsets.size() == 2, "must have two data_offsets, got ", offsets.size());
  entry.dtype = *known;
  entry.begin = offsets[0];
  entry.end = offsets[1];
  check(entry.begin <= entry.end, "ends at byte ", entry.end, ", before it begins at ", entry.begin);
  // The product must fit even without the sizes that are zero: other programs multiply in any order.
  std::uint64_t size = item_size(entry.dtype), full = size;
  for (const std::uint64_t n : entry.shape) {
    check(n == 0 || n <= max_bytes / full, "has a shape that is too large");
    if (n > 0) full *= n;
    size *= n;
  }
  check(size == entry.end - entry.begin, "has ", entry.end - entry.begin, " bytes, its shape needs ", size);
  return entry;
}

std::string json_string(std::string_view value) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (std::string_view rest = value; !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    // Asked here and not by require(), whose message would be made for every character.
    if (length == 0)
      throw ValueError("names and texts in a file must be UTF-8, but " + in_quotes(value.substr(0, 100)) + " is not");
    const auto first = static_cast<unsigned char>(rest[0]);
    if (first == '"' || first == '\\')
      out += '\\', out += rest[0];
    else if (first < 0x20)
      out += text("\\u00", hex[first / 16], hex[first % 16]);
    else
      out += rest.substr(0, length);
    rest.remove_prefix(length);
  }
  return out + '"';
}

std::string json_entry(const View& tensor, std::uint64_t begin, std::uint64_t end) {
  std::string shape;
  for (const std::uint64_t n : tensor.shape) {
    if (!shape.empty()) shape += ',';
    shape += std::to_string(n);
  }
  return text(json_string(tensor.name), ":{\"dtype\":\"", dtype_name(tensor.dtype), "\",\"shape\":[", shape,
              "],\"data_offsets\":[", begin, ",", end, "]}");
}

std::string hexadecimal(std::uint32_t value) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (int shift = 28; shift >= 0; shift -= 4) out += digits[value >> shift & 15];
  return out;
}

std::uint64_t bytes_of(const View& tensor) {
  std::uint64_t size = item_size(tensor.dtype);
  for (const std::uint64_t n : tensor.shape) size *= n;
  return size;
}

std::string make_header(const Metadata& metadata, const std::vector<View>& tensors) {
  require(metadata.size() + 4 * tensors.size() < max_entries, "a file may hold ", max_entries / 4,
          " arrays or four times as many texts, got ", tensors.size(), " and ", metadata.size());
  std::string header = "{\"__metadata__\":{";
  for (const auto& [key, value] : metadata) {
    if (header.back() != '{') header += ',';
    header += json_string(key) + ':' + json_string(value);
  }
  header += '}';
  std::uint64_t offset = 0;
  for (const View& tensor : tensors) {
    require(tensor.shape.size() <= max_dimensions, in_quotes(tensor.name), " must have at most ", max_dimensions,
            " dimensions, got ", tensor.shape.size());
    const std::uint64_t end = offset + bytes_of(tensor);
    header += ',' + json_entry(tensor, offset, end);
    offset = end;
  }
  header += '}';
  header.resize((header.size() + alignment - 1) / alignment * alignment, ' ');
  require(header.size() <= max_header, "names and texts of a file may take ", max_header, " bytes, got ",
          header.size());
  return header;
}

}  // namespace

std::string in_quotes(std::string_view text, std::size_t most) {
  std::string out = "'";
  while (!text.empty()) {
    if (out.size() > most) return out + "...'";
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

void write(const fs::path& path, Metadata metadata, std::vector<View> tensors) {
  std::stable_sort(tensors.begin(), tensors.end(),
                   [](const View& a, const View& b) { return item_size(a.dtype) > item_size(b.dtype); });
  metadata[checksum_key] = no_digits;
  std::string header = make_header(metadata, tensors);
  const std::uint64_t length = header.size();
  Crc32 crc;
  crc.add(&length, sizeof length);
  crc.add(header.data(), header.size());
  for (const View& tensor : tensors) crc.add(tensor.data, bytes_of(tensor));
  // A quote inside a text has a backslash before it, so the key with its quotes is found in one place only.
  const std::string pair = json_string(checksum_key) + ':' + json_string(no_digits);
  header.replace(header.find(pair) + pair.size() - 1 - no_digits.size(), no_digits.size(), hexadecimal(crc.value()));

  AtomicFile file(path);
  file.write(&length, sizeof length);
  file.write(header.data(), header.size());
  for (const View& tensor : tensors) file.write(tensor.data, bytes_of(tensor));
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
    if (has_checksum()) check_sum();
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
      cursor.object([&](const std::string& key) {
        const std::size_t at = cursor.place();
        const std::string& value = metadata_.emplace(key, cursor.string()).first->second;
        if (key != checksum_key) return;
        if (value.size() != no_digits.size() || header.substr(at + 1, value.size()) != value)
          throw Malformed{
              text("must have eight hexadecimal digits as ", in_quotes(checksum_key), ", got ", in_quotes(value))};
        checksum_at_ = 8 + at + 1;
      });
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

void Reader::check_sum() const {
  Crc32 crc;
  std::vector<char> buffer(1 << 20);
  for (std::uint64_t at = 0; at < file_.size(); at += buffer.size()) {
    // The digits of the checksum may lie across two pieces.
    const std::uint64_t size = std::min<std::uint64_t>(buffer.size(), file_.size() - at);
    file_.read_at(at, buffer.data(), size);
    for (std::uint64_t i = 0; i < no_digits.size(); ++i)
      if (checksum_at_ + i >= at && checksum_at_ + i < at + size) buffer[checksum_at_ + i - at] = '0';
    crc.add(buffer.data(), size);
  }
  const std::string& expected = metadata_.find(checksum_key)->second;
  if (hexadecimal(crc.value()) != expected)
    throw Malformed{text("is damaged: its checksum is ", in_quotes(expected), ", that of what it holds ",
                         in_quotes(hexadecimal(crc.value())))};
}

}  // namespace uwm::safetensors
