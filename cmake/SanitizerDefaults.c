// SanitizerDefaults.c: sanitizer options of every program in the sanitizer build.
// libLLVM is not instrumented, and its bump allocator poisons memory that it never unpoisons: a false positive.
const char *__asan_default_options(void);
__attribute__((used, visibility("default"))) const char *__asan_default_options(void) {
  return "allow_user_poisoning=0:detect_stack_use_after_return=1:strict_string_checks=1";
}
