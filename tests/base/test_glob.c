#include "base/text.h"
#include "unit.h"

#include <string.h>

static void matching_and_other_names(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        {"*.jpg", "a.jpg", true},
        {"*.jpg", ".jpg", true},
        {"*.jpg", "a.JPG", false},
        {"*.jpg", "a.jpg.txt", false},
        {"*.jpg", "a.jpeg", false},
        {"*", "", true},
        {"", "", true},
        {"", "a", false},
        {"?", "", false},
        {"a**b", "ab", true},
        {"a*b*c", "aXbXbc", true},
        {"a*b*c", "aXcXb", false},
        {"r0_?_100.jpg", "r0_7_100.jpg", true},
        {"r0_?_100.jpg", "r0_17_100.jpg", false},
        {"caf?", "caf\xC3\xA9", true}, /* one character, two bytes */
        {"?", "\xFF", true},           /* a byte that is no UTF-8 counts as one */
        {"??", "\xC3\xA9", false},
        {"[abc]x", "bx", true},
        {"[abc]x", "dx", false},
        {"[a-c0-9]", "5", true},
        {"[a-c0-9]", "d", false},
        {"[^a-c]", "d", true},
        {"[^a-c]", "b", false},
        {"[!a]", "a", false},
        {"[]]", "]", true},
        {"[a-]", "-", true},
        {"[\xC3\xA0-\xC3\xBC]", "\xC3\xA9", true},
        {"[a", "a", false}, /* not closed */
        {"[", "[", false},
        {"*.{jpg,jpeg}", "a.jpeg", true},
        {"*.{jpg,jpeg}", "a.jpg", true},
        {"*.{jpg,jpeg}", "a.jp", false},
        {"*.{jpg,jpeg}", "a.jpg,jpeg", false},
        {"{a,b{c,d}}e", "bde", true},
        {"{a,b{c,d}}e", "ae", true},
        {"{a,b{c,d}}e", "be", false},
        {"{a,b{c,d}}e", "ce", false},
        {"{,x}y", "y", true},
        {"{,x}y", "xy", true},
        {"{*}z", "anythingz", true},
        {"{[,}],b}", ",", true}, /* a class hides the comma and the brace */
        {"{a", "{a", true},      /* no partner: plain characters */
        {"a}", "a}", true},
        {"a,b", "a,b", true},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"\\{a,b\\}", "{a,b}", true},
        {"a\\", "a\\", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (text_glob(cases[i].pattern, cases[i].name) != cases[i].matches)
            fail_msg("'%s' and '%s': expected %d", cases[i].pattern, cases[i].name, cases[i].matches);
}

/* With backtracking, each of these takes longer than the universe has lasted. */
static void hostile_patterns_end(void **state) {
    (void)state;
    char pattern[257] = "", name[4097];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (size_t i = 0; i + 5 <= 255; i += 5) memcpy(pattern + i, "{a,a}", 6);
    assert_false(text_glob(pattern, "aaaab"));
    for (size_t i = 0; i + 2 <= 254; i += 2) memcpy(pattern + i, "*a", 3);
    memcpy(pattern + 252, "*b", 3);
    assert_false(text_glob(pattern, name));
    memset(pattern, '{', 256);
    pattern[256] = '\0';
    assert_false(text_glob(pattern, name));
    memset(pattern, '{', 128);
    memset(pattern + 128, '}', 128);
    assert_true(text_glob(pattern, ""));
    memset(pattern, '*', 256);
    assert_true(text_glob(pattern, name));
}

static void a_pattern_has_at_most_256_bytes(void **state) {
    (void)state;
    char text[258];
    memset(text, 'a', 257);
    text[257] = '\0';
    assert_false(text_glob(text, text));
    text[256] = '\0';
    assert_true(text_glob(text, text));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(matching_and_other_names),
                                       cmocka_unit_test(hostile_patterns_end),
                                       cmocka_unit_test(a_pattern_has_at_most_256_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
