// model.cpp: opens a compiled program and the files that belong to it.

#include "internal.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace quoin::rt;

namespace {

/// `folder`/`name` in hook memory.
struct Path {
  Path(quoin_context_t &context, const char *folder, const char *name) : text(&context.memory) {
    size_t bytes = std::strlen(folder) + std::strlen(name) + 2;
    ok = text.resize(bytes);
    if (ok)
      std::snprintf(text.data(), bytes, "%s/%s", folder, name);
  }
  const char *get() const { return text.data(); }

  Buffer<char> text;
  bool ok;
};

struct File {
  explicit File(const char *path) : handle(open(path, O_RDONLY | O_CLOEXEC)) {}
  File(const File &) = delete;
  File &operator=(const File &) = delete;
  ~File() {
    if (handle >= 0)
      close(handle);
  }
  int handle;
};

quoin_status_t cannotOpen(quoin_context_t &context, const char *path) {
  int why = errno;
  return context.fail(why == ENOMEM ? QUOIN_STATUS_OUT_OF_MEMORY : QUOIN_STATUS_NOT_FOUND, "cannot open '%s': %s", path,
                      std::strerror(why));
}

/// The dynamic loader maps what a file's headers say and dies when the file is shorter, so they are checked first.
bool isWholeLibrary(int file, uint64_t size) {
  ElfW(Ehdr) header;
  if (pread(file, &header, sizeof(header), 0) != sizeof(header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_phentsize != sizeof(ElfW(Phdr)))
    return false;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    ElfW(Phdr) part;
    off_t at = static_cast<off_t>(header.e_phoff + i * sizeof(part));
    if (pread(file, &part, sizeof(part), at) != sizeof(part) || part.p_offset > size ||
        part.p_filesz > size - part.p_offset)
      return false;
  }
  return true;
}

/// Only the size and the last 8 bytes are read: a file of another program is told without touching its pages.
quoin_status_t checkWeights(quoin_model_t &model, const void *weights, size_t size, const char *where) {
  const quoin_program_t &program = *model.program;
  if (size != static_cast<uint64_t>(program.weights_bytes))
    return model.context->fail(QUOIN_STATUS_CORRUPT, "%s has %zu bytes, but the program expects %lld", where, size,
                               static_cast<long long>(program.weights_bytes));
  uint64_t checksum;
  std::memcpy(&checksum, static_cast<const uint8_t *>(weights) + size - sizeof(checksum), sizeof(checksum));
  if (checksum != program.weights_checksum)
    return model.context->fail(QUOIN_STATUS_CORRUPT, "%s has checksum %016llx, but the program expects %016llx", where,
                               static_cast<unsigned long long>(checksum),
                               static_cast<unsigned long long>(program.weights_checksum));
  model.weights = static_cast<const uint8_t *>(weights);
  return QUOIN_STATUS_OK;
}

quoin_status_t mapWeights(quoin_model_t &model, const char *folder) {
  Path path(*model.context, folder, "model.qw");
  if (!path.ok)
    return model.context->outOfMemory();
  File file(path.get());
  struct stat about;
  if (file.handle < 0 || fstat(file.handle, &about) != 0)
    return cannotOpen(*model.context, path.get());
  // An empty file cannot be mapped; the size test names both numbers.
  if (about.st_size > 0) {
    void *mapped = mmap(nullptr, static_cast<size_t>(about.st_size), PROT_READ, MAP_PRIVATE, file.handle, 0);
    if (mapped == MAP_FAILED)
      return model.context->fail(QUOIN_STATUS_OUT_OF_MEMORY, "cannot map '%s': %s", path.get(), std::strerror(errno));
    model.mapped = mapped;
    model.mappedBytes = static_cast<size_t>(about.st_size);
    madvise(mapped, model.mappedBytes, MADV_WILLNEED);
  }
  return checkWeights(model, model.mapped, static_cast<size_t>(about.st_size), path.get());
}

/// model.json, if it is there; closed by a NUL.
quoin_status_t readMetadata(quoin_model_t &model, const char *folder) {
  Path path(*model.context, folder, "model.json");
  if (!path.ok)
    return model.context->outOfMemory();
  File file(path.get());
  struct stat about;
  if (file.handle < 0 || fstat(file.handle, &about) != 0)
    return errno == ENOENT ? QUOIN_STATUS_OK : cannotOpen(*model.context, path.get());
  size_t size = static_cast<size_t>(about.st_size), have = 0;
  if (!model.metadata.resize(size + 1))
    return model.context->outOfMemory();
  while (have < size) {
    ssize_t got = read(file.handle, model.metadata.data() + have, size - have);
    if (got < 0 && errno != EINTR)
      return cannotOpen(*model.context, path.get());
    if (got == 0)
      break;
    have += got > 0 ? static_cast<size_t>(got) : 0;
  }
  model.metadata[have] = 0;
  return QUOIN_STATUS_OK;
}

quoin_status_t openFolder(quoin_model_t &model, const char *folder, quoin_program_query_fn query, const void *weights,
                          size_t weightsSize) {
  quoin_context_t &context = *model.context;
  const char *where = "the program";
  Path path(context, folder ? folder : "", "model.so");
  if (!path.ok)
    return context.outOfMemory();
  if (!query) {
    where = path.get();
    if (quoin_status_t status = openLibrary(context, path.get(), &model.library))
      return status;
    void *symbol = dlsym(model.library, "quoin_program_query");
    if (!symbol)
      return context.fail(QUOIN_STATUS_CORRUPT, "'%s' is no compiled program: it has no 'quoin_program_query'",
                          path.get());
    std::memcpy(&query, &symbol, sizeof(query));
  }
  model.program = query(QUOIN_ABI_VERSION);
  if (quoin_status_t status = checkProgram(context, model.program, where))
    return status;
  if (!findParts(*model.program, model.parts))
    return context.outOfMemory();
  if (weights) {
    if (reinterpret_cast<uintptr_t>(weights) % kAlignment)
      return context.fail(QUOIN_STATUS_INVALID_ARGUMENT, "expects weights at a 64-byte boundary, but they are at %p",
                          weights);
    if (quoin_status_t status = checkWeights(model, weights, weightsSize, "the weights"))
      return status;
  } else if (quoin_status_t status = mapWeights(model, folder)) {
    return status;
  }
  if (!folder)
    return QUOIN_STATUS_OK;
  if (quoin_status_t status = readMetadata(model, folder))
    return status;
  return loadTokenizer(context, folder, false, &model.tokenizer);
}

quoin_status_t makeModel(quoin_context_t *context, const char *folder, quoin_program_query_fn query,
                         const void *weights, size_t weightsSize, quoin_model_t **out) {
  auto *model = context->make<quoin_model_t>(context);
  if (!model)
    return context->outOfMemory();
  quoin_status_t status = openFolder(*model, folder, query, weights, weightsSize);
  if (status != QUOIN_STATUS_OK)
    context->destroy(model);
  else
    *out = model;
  return status;
}

} // namespace

quoin_status_t quoin::rt::openLibrary(quoin_context_t &context, const char *path, void **out_library) {
  File file(path);
  struct stat about;
  if (file.handle < 0 || fstat(file.handle, &about) != 0) {
    // `--emit object` leaves model.o where model.so would be.
    char object[4096];
    int length = std::snprintf(object, sizeof(object), "%.*so", static_cast<int>(std::strlen(path)) - 2, path);
    if (errno == ENOENT && length < static_cast<int>(sizeof(object)) && access(object, F_OK) == 0)
      return context.fail(QUOIN_STATUS_NOT_FOUND, "expects '%s', but found '%s', which is to be linked into a host",
                          path, object);
    return cannotOpen(context, path);
  }
  if (!isWholeLibrary(file.handle, static_cast<uint64_t>(about.st_size)))
    return context.fail(QUOIN_STATUS_CORRUPT, "expects '%s' to be a whole shared library, but it is damaged", path);
  // The path has a slash: without one dlopen would search its own folders.
  *out_library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  return *out_library ? QUOIN_STATUS_OK : context.fail(QUOIN_STATUS_CORRUPT, "cannot load '%s': %s", path, dlerror());
}

quoin_model_t::~quoin_model_t() {
  quoin_tokenizer_destroy(tokenizer);
  if (mapped)
    munmap(mapped, mappedBytes);
  if (library)
    dlclose(library);
}

quoin_status_t quoin_model_load(quoin_context_t *context, const char *folder, quoin_model_t **out_model) {
  return makeModel(context, folder, nullptr, nullptr, 0, out_model);
}

quoin_status_t quoin_model_from_program(quoin_context_t *context, quoin_program_query_fn query, const void *weights,
                                        size_t weights_size, const char *folder, quoin_model_t **out_model) {
  if (!query || (!weights && !folder))
    return context->fail(QUOIN_STATUS_INVALID_ARGUMENT,
                         "expects a program, and its weights or a folder, but there is none");
  return makeModel(context, folder, query, weights, weights_size, out_model);
}

void quoin_model_destroy(quoin_model_t *model) {
  if (model)
    model->context->destroy(model);
}

void quoin_model_info(const quoin_model_t *model, quoin_model_info_t *out_info) {
  const quoin_program_t &p = *model->program;
  const Part &first = model->parts[0];
  *out_info = {first.hidden,    p.vocabulary,    first.table->layers,
               p.capacity,      first.pageBytes, p.models_count,
               p.weights_bytes, p.fill,          p.decoders_count,
               p.decoders,      p.stops,         p.stops_count > 0 ? static_cast<size_t>(p.stops_count) : 0};
}

const char *quoin_model_metadata(const quoin_model_t *model) {
  return model->metadata.empty() ? nullptr : model->metadata.data();
}

quoin_tokenizer_t *quoin_model_tokenizer(quoin_model_t *model) { return model->tokenizer; }
