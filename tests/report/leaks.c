/* fontconfig keeps the patterns that it matched until the process ends, where LeakSanitizer finds them. */

const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void) { return "leak:libfontconfig.so\n"; }
