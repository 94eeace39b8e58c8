//===- FileKinds.cpp - files that are well known for being in the wrong place -===//

#include "support/FileKinds.h"
#include <cctype>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace quoin;

namespace {
struct Magic {
  std::string_view bytes;
  size_t at;
  const char *kind;
};
} // namespace

/// Text of a fixed length, zeros included.
template <size_t N> static constexpr std::string_view raw(const char (&text)[N]) { return {text, N - 1}; }

#define CONVERTED " (take the safetensors of the original checkpoint, or convert it)"
#define UNPACKED " (unpack it first)"
static constexpr Magic magics[] = {
    {raw("version https://git-lfs"), 0, "a Git LFS pointer (run 'git lfs pull' where it was cloned)"},
    {raw("version https://hawser"), 0, "a Git LFS pointer (run 'git lfs pull' where it was cloned)"},
    {raw("GGUF"), 0, "a GGUF file (which is imported in place of a folder)"},
    {raw("FUGG"), 0, "a GGUF file for big-endian machines" CONVERTED},
    {raw("lmgg"), 0, "a GGML file" CONVERTED},
    {raw("tjgg"), 0, "a GGML file" CONVERTED},
    {raw("PK\x03\x04"), 0, "a ZIP file, as PyTorch's checkpoints are" CONVERTED},
    {raw("\x80\x02}q"), 0, "a Python pickle, as old PyTorch checkpoints are" CONVERTED},
    {raw("\x80\x02\x8a\x0a"), 0, "a Python pickle, as old PyTorch checkpoints are" CONVERTED},
    {raw("\x80\x04\x95"), 0, "a Python pickle" CONVERTED},
    {raw("\x89HDF\r\n"), 0, "an HDF5 file, as Keras' checkpoints are" CONVERTED},
    {raw("\x93NUMPY"), 0, "a NumPy array" CONVERTED},
    {raw("\x7f"
         "ELF"),
     0, "a program or a library"},
    {raw("ML\xef"
         "R"),
     0, "MLIR bytecode (print it as text with mlir-opt first)"},
    {raw("\x1f\x8b"), 0, "a gzip file" UNPACKED},
    {raw("\x28\xb5\x2f\xfd"), 0, "a zstd file" UNPACKED},
    {raw("\xfd"
         "7zXZ"),
     0, "an xz file" UNPACKED},
    {raw("BZh"), 0, "a bzip2 file" UNPACKED},
    {raw("7z\xbc\xaf\x27\x1c"), 0, "a 7-Zip file" UNPACKED},
    {raw("ustar"), 257, "a tar file" UNPACKED},
    {raw("\xff\xfe"), 0, "text in UTF-16 (save it as UTF-8)"},
    {raw("\xfe\xff"), 0, "text in UTF-16 (save it as UTF-8)"},
    {raw("{\0"), 0, "text in UTF-16 (save it as UTF-8)"},
    {raw("\0{"), 0, "text in UTF-16 (save it as UTF-8)"},
};

static std::string_view trimmed(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf"))
    text.remove_prefix(3);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text[0])))
    text.remove_prefix(1);
  return text;
}

bool quoin::looksLikeSafetensors(std::string_view head) {
  // A header has at most 100 MB: the upper half of its length is zero.
  if (head.size() < 10 || head.substr(4, 4) != std::string_view("\0\0\0\0", 4))
    return false;
  return head[8] == '{';
}

bool quoin::looksLikeJson(std::string_view head) {
  head = trimmed(head);
  return head.starts_with('{') || head.starts_with('[');
}

std::string quoin::fileKind(std::string_view head) {
  head = head.substr(0, fileKindBytes);
  // A length may begin with any bytes.
  if (looksLikeSafetensors(head))
    return "";
  for (const Magic &magic : magics)
    if (head.size() >= magic.at && head.substr(magic.at).starts_with(magic.bytes))
      return magic.kind;
  std::string text(trimmed(head).substr(0, 64));
  for (char &c : text)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char *begin : {"<!doctype", "<html", "<head", "<?xml", "<body"})
    if (text.starts_with(begin))
      return "a web page (a download that asked for a login, or the page about the file?)";
  if (head.size() >= 8 && head.find_first_not_of('\0') == std::string_view::npos)
    return "nothing but zeros at its beginning (a download that did not end?)";
  return "";
}

std::string quoin::fileKindOf(const std::string &path) {
  // Whoever waits at a pipe's other end need not be there.
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return "";
  char head[fileKindBytes];
  struct stat info;
  ssize_t got = ::fstat(file, &info) == 0 && S_ISREG(info.st_mode) ? ::read(file, head, sizeof(head)) : 0;
  ::close(file);
  return got > 0 ? fileKind({head, static_cast<size_t>(got)}) : "";
}
