// TemplateTest.cpp - every construct of templates on small cases. What is expected was printed by Jinja 3.1.6 with the
// settings of `transformers`; test/e2e/templates.py asks it again where it is installed.

#include "runtime/template/Template.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace quoin::jinja;
using Json = nlohmann::ordered_json;

namespace {

const Json &variables() {
  static const Json all = Json::parse(
      R"json({"s": "Hello, World", "u": "Ünï ß 😀", "e": "", "n": null, "t": true, "f": false, "i": 7, "x": 2.5, "l": [3, 1, 2], "words": ["b", "A", "c", "a"], "d": {"b": 1, "a": [1, 2], "items": 5}, "m": [{"role": "user", "content": " hi "}, {"role": "assistant", "content": null, "tool_calls": [{"name": "f"}]}, {"role": "user", "content": "yo"}], "tree": [{"name": "a", "children": [{"name": "b", "children": []}]}]})json");
  return all;
}

constexpr std::time_t someTime = 1700000000; // 14 November 2023

std::string rendered(const std::string &text, const Json &over = variables(), const Limits &limits = {}) {
  std::string error, out;
  auto made = Template::parse(text, error);
  if (!made)
    return "unreadable: " + error;
  return made->render(over, out, error, limits, someTime) ? out : "error: " + error;
}

struct Case {
  std::string text, expected;
};

void expectAll(const std::vector<Case> &cases) {
  for (const Case &each : cases)
    EXPECT_EQ(rendered(each.text), each.expected) << each.text;
}

std::string repeated(const std::string &text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i)
    out += text;
  return out;
}

} // namespace

//===----------------------------------------------------------------------===//
// What templates write
//===----------------------------------------------------------------------===//

TEST(Template, PrintsAsPython) {
  expectAll({
      {R"j({{ n }}{{ t }}{{ f }})j", R"j(NoneTrueFalse)j"},
      {R"j({{ 1.0 }} {{ 1e16 }} {{ 0.00001 }} {{ 1/3 }} {{ 2.5e-7 }})j",
       R"j(1.0 1e+16 1e-05 0.3333333333333333 2.5e-07)j"},
      {R"j({{ l }}{{ (1,) }}{{ () }}{{ {'a': none} }})j", R"j([3, 1, 2](1,)(){'a': None})j"},
      {R"j({{ ['it\'s', '"', '\n\x7f\u200b\xe9'] }})j", R"j(["it's", '"', '\n\x7f\u200bé'])j"},
      {R"j({{ d }})j", R"j({'b': 1, 'a': [1, 2], 'items': 5})j"},
      {R"j({{ d.keys() }}{{ d.values() }}{{ {'a': 1}.items() }})j",
       R"j(dict_keys(['b', 'a', 'items'])dict_values([1, [1, 2], 5])dict_items([('a', 1)]))j"},
      {R"j({{ range(3) }}{{ range(0, 5, 2) }})j", R"j(range(0, 3)range(0, 5, 2))j"},
      {R"j({{ nope }}|{{ [nope] }})j", R"j(|[Undefined])j"},
  });
}

TEST(Template, Arithmetic) {
  expectAll({
      {R"j({{ 7 // 2 }}{{ -7 // 2 }}{{ -7 % 3 }}{{ 7 / 2 }}{{ 2 ** 10 }}{{ 2 ** -1 }})j", R"j(3-423.510240.5)j"},
      {R"j({{ 1 + 2 * 3 }}{{ (1 + 2) * 3 }}{{ -2 ** 2 }}{{ 2 ** 3 ** 2 }}{{ 10 - 5 - 2 }})j", R"j(794643)j"},
      {R"j({{ 'a' + 'b' }}{{ 'ab' * 2 }}{{ [1] + [2] }}{{ (1,) * 2 }})j", R"j(ababab[1, 2](1, 1))j"},
      {R"j({{ 1 ~ 'a' ~ none ~ 2.0 }})j", R"j(1aNone2.0)j"},
      {R"j({{ -7.5 % 2 }}{{ 7.5 // 2 }}{{ true + true }})j", R"j(0.53.02)j"},
      {R"j({{ '%s-%05.1f-%x' % ('a', 3.14159, 255) }}{{ '%(k)s' % {'k': 1} }})j", R"j(a-003.1-ff1)j"},
  });
}

TEST(Template, Comparisons) {
  expectAll({
      {R"j({{ 1 < 2 < 3 }}{{ 1 < 3 < 2 }}{{ 1 == 1.0 == true }})j", R"j(TrueFalseTrue)j"},
      {R"j({{ [1, 2] < [1, 3] }}{{ 'a' < 'b' }}{{ [1] == (1,) }}{{ {'a': 1} == {'a': 1.0} }})j",
       R"j(TrueTrueFalseTrue)j"},
      {R"j({{ 2 in l }}{{ 9 not in l }}{{ 'ell' in s }}{{ 'b' in d }}{{ 1 in nope }})j", R"j(TrueTrueTrueTrueFalse)j"},
      {R"j({{ not t }}{{ t and i }}{{ e or 'x' }}{{ f and boom }}{{ t or boom.x }})j", R"j(False7xFalseTrue)j"},
      {R"j({{ not 1 in [2] }}{{ nope == none }}{{ nope == nope }})j", R"j(TrueFalseTrue)j"},
  });
}

TEST(Template, InlineIf) {
  expectAll({
      {R"j({{ 'a' if t }}{{ 'a' if f }}|{{ 'a' if f else 'b' }})j", R"j(a|b)j"},
      {R"j({{ 1 if f else 2 if f else 3 }})j", R"j(3)j"},
      {R"j({{ ('a' if f) is defined }})j", R"j(False)j"},
  });
}

TEST(Template, ItemsAndSlices) {
  expectAll({
      {R"j({{ s[0] }}{{ s[-1] }}{{ s[99] }}{{ l[-2] }}{{ l[9] is defined }})j", R"j(Hd1False)j"},
      {R"j({{ s[1:3] }}|{{ s[:-7] }}|{{ s[-5:] }}|{{ s[::-1] }}|{{ s[::3] }}|{{ s[10:2:-2] }}|{{ s[5:2] }})j",
       R"j(el|Hello|World|dlroW ,olleH|Hl r|lo o|)j"},
      {R"j({{ l[1:] }}{{ l[::-1] }}{{ (1,2,3)[:2] }})j", R"j([1, 2][2, 1, 3](1, 2))j"},
      {R"j({{ u[1] }}{{ u[-1] }}{{ u | length }}{{ u[:4] }})j", R"j(n😀7Ünï )j"},
      {R"j({{ d.b }}{{ d['a'][1] }}{{ d.zz }}{{ d['items'] }}{{ m[0]['role'] }}{{ m.0.role }})j", R"j(125useruser)j"},
      {R"j({% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %})j", R"j(b=1;a=[1, 2];items=5;)j"},
      {R"j({{ d.get('b') }}{{ d.get('q') }}{{ d.get('q', 4) }}{{ {1: 'x'}[1.0] }}{{ {none: 'z'}[none] }})j",
       R"j(1None4xz)j"},
  });
}

TEST(Template, Literals) {
  expectAll({
      {R"j({{ 'a' 'b' }}{{ "it's" }}{{ 'a\tb\\\x41\u00e9\U0001F600' }}{{ '\q' }})j", R"j(abit'sa	b\Aé😀\q)j"},
      {R"j({{ [1, 2,] }}{{ {'a': 1,} }}{{ (1, 2) }}{{ True }}{{ None }})j", R"j([1, 2]{'a': 1}(1, 2)TrueNone)j"},
      {R"j({{ 1_000 + 1 }}{{ 0x1F }}{{ 0b101 }}{{ 0o17 }}{{ 1.5e-3 }}{{ 1E3 }})j", R"j(1001315150.00151000.0)j"},
      {R"j({{ {'a': {'b': {}}} }})j", R"j({'a': {'b': {}}})j"},
  });
}

TEST(Template, Tests) {
  expectAll({
      {R"j({{ s is defined }}{{ nope is defined }}{{ nope is undefined }}{{ nope is not defined }})j",
       R"j(TrueFalseTrueTrue)j"},
      {R"j({{ n is none }}{{ s is string }}{{ d is mapping }}{{ l is iterable }}{{ i is iterable }}{{ l is sequence }}{{ d.keys() is sequence }})j",
       R"j(TrueTrueTrueTrueFalseTrueFalse)j"},
      {R"j({{ i is number }}{{ i is integer }}{{ t is integer }}{{ x is float }}{{ t is boolean }}{{ t is true }}{{ f is false }}{{ 1 is true }})j",
       R"j(TrueTrueFalseTrueTrueTrueTrueFalse)j"},
      {R"j({{ i is odd }}{{ i is even }}{{ i is divisibleby 7 }}{{ i is divisibleby(2) }})j",
       R"j(TrueFalseTrueFalse)j"},
      {R"j({{ 'abc' is lower }}{{ 'ABC' is upper }}{{ 'A1b' is upper }})j", R"j(TrueTrueFalse)j"},
      {R"j({{ i is eq 7 }}{{ i is equalto(7) }}{{ i is ne 7 }}{{ i is gt 3 }}{{ i is lt 3 }}{{ i is ge 7 }}{{ i is le 7 }})j",
       R"j(TrueTrueFalseTrueFalseTrueTrue)j"},
      {R"j({{ 1 is in l }}{{ n is sameas none }}{{ raise_exception is callable }}{{ s is callable }})j",
       R"j(TrueTrueTrueFalse)j"},
      {R"j({{ 'upper' is filter }}{{ 'zz' is filter }}{{ 'odd' is test }}{{ ('<' | e) is escaped }})j",
       R"j(TrueFalseTrueTrue)j"},
      {R"j({{ not i is odd and t }}{{ i is not odd or t }})j", R"j(FalseTrue)j"},
  });
}

TEST(Template, TextFilters) {
  expectAll({
      {R"j({{ ' a ' | trim }}|{{ 'xax' | trim('x') }})j", R"j(a|a)j"},
      {R"j({{ s | upper }}{{ s | lower }}{{ u | capitalize }}{{ "it's o-neil (foo)" | title }})j",
       R"j(HELLO, WORLDhello, worldÜnï ß 😀It's O-Neil (Foo))j"},
      {R"j({{ s | replace('l', 'L') }}{{ s | replace('l', 'L', 1) }}{{ 7 | replace('7', 8) }})j",
       R"j(HeLLo, WorLdHeLlo, World8)j"},
      {R"j({{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a\n\nb' | indent('> ', blank=true) }})j", R"j(a
    b

    c|  a
  b|a
> 
> b)j"},
      {R"j({{ 'foo bar baz qux' | truncate(9) }}{{ 'foobarbazqux' | truncate(9, true, '.', 0) }}{{ 'one two,three' | wordcount }}{{ 'x' | center(5) }}|)j",
       R"j(foo...foobarba.3  x  |)j"},
      {R"j({{ '%s, %s!' | format(s, 1) }}{{ '%(a)s' | format(a=1) }})j", R"j(Hello, World, 1!1)j"},
      {R"j({{ nope | default('x') }}{{ '' | default('x') }}{{ '' | default('x', true) }}{{ n | d('y') }}{{ nope | d }})j",
       R"j(xxNone)j"},
      {R"j({{ '<a&"\'>' | e }}{{ '<' | safe }}{{ ('<' | safe) + '<' }}{{ '<' + ('<' | e) }}{{ ('<' | e) ~ '<' }})j",
       R"j(&lt;a&amp;&#34;&#39;&gt;<<&lt;&lt;&lt;&lt;<)j"},
      {R"j({{ 3 | string + 'x' }}{{ u | upper }}{{ 'ΑΣ' | lower }})j", R"j(3xÜNÏ SS 😀ας)j"},
  });
}

TEST(Template, NumberFilters) {
  expectAll({
      {R"j({{ '12' | int }}{{ 'z' | int }}{{ 'z' | int(5) }}{{ '0x1f' | int(0, 16) }}{{ '3.9' | int }}{{ 2.9 | int }}{{ ' 7 ' | int }})j",
       R"j(120531327)j"},
      {R"j({{ '2.5' | float }}{{ 'z' | float }}{{ 'z' | float(1) }}{{ 3 | float }})j", R"j(2.50.013.0)j"},
      {R"j({{ -3 | abs }}{{ -2.5 | abs }}{{ 2.675 | round(2) }}{{ 2.5 | round }}{{ 3.5 | round }}{{ 7 | round }}{{ 2.71 | round(1, 'ceil') }}{{ 2.79 | round(1, 'floor') }})j",
       R"j(32.52.672.04.072.82.7)j"},
      {R"j({{ l | sum }}{{ l | sum(start=10) }}{{ l | min }}{{ l | max }}{{ words | min }}{{ [] | max }})j",
       R"j(61613A)j"},
  });
}

TEST(Template, SequenceFilters) {
  expectAll({
      {R"j({{ l | length }}{{ s | count }}{{ d | length }}{{ l | first }}{{ l | last }}{{ [] | first }}{{ d | first }})j",
       R"j(312332b)j"},
      {R"j({{ words | join }}{{ [1, none] | join('-') }}{{ m | join(',', attribute='role') }})j",
       R"j(bAca1-Noneuser,assistant,user)j"},
      {R"j({{ l | sort }}{{ words | sort }}{{ words | sort(case_sensitive=true) }}{{ l | sort(reverse=true) }}{{ m | sort(attribute='role') | map(attribute='role') | list }})j",
       R"j([1, 2, 3]['A', 'a', 'b', 'c']['A', 'a', 'b', 'c'][3, 2, 1]['assistant', 'user', 'user'])j"},
      {R"j({{ {'b': 1, 'A': 2} | dictsort }}{{ {'b': 1, 'a': 2} | dictsort(by='value') }}{{ {'b': 1, 'a': 2} | dictsort(reverse=true) }})j",
       R"j([('A', 2), ('b', 1)][('b', 1), ('a', 2)][('b', 1), ('a', 2)])j"},
      {R"j({{ l | reverse | list }}{{ s | reverse }}{{ ['a', 'A', 'b'] | unique | list }}{{ 'abc' | list }})j",
       R"j([2, 1, 3]dlroW ,olleH['a', 'b']['a', 'b', 'c'])j"},
      {R"j({{ d | items | list }}{{ nope | items | list }}{{ nope | list }})j",
       R"j([('b', 1), ('a', [1, 2]), ('items', 5)][][])j"},
      {R"j({{ [1,2,3,4,5] | batch(2, 'x') | list }}{{ [1,2,3,4,5] | slice(2) | list }})j",
       R"j([[1, 2], [3, 4], [5, 'x']][[1, 2, 3], [4, 5]])j"},
      {R"j({% for g in m | groupby('role') %}{{ g.grouper }}:{{ g.list | length }};{% endfor %})j",
       R"j(assistant:1;user:2;)j"},
      {R"j({{ m | groupby('role') | map('first') | list }})j", R"j(['assistant', 'user'])j"},
  });
}

TEST(Template, MapAndSelect) {
  expectAll({
      {R"j({{ m | map(attribute='role') | list }}{{ m | map(attribute='zz', default='D') | list }}{{ words | map('upper') | join }}{{ ['1', 'x'] | map('int', 5) | list }})j",
       R"j(['user', 'assistant', 'user']['D', 'D', 'D']BACA[1, 5])j"},
      {R"j({{ l | select('odd') | list }}{{ l | reject('odd') | list }}{{ l | select('gt', 1) | list }}{{ [0, 1, ''] | select | list }})j",
       R"j([3, 1][2][3, 2][1])j"},
      {R"j({{ m | selectattr('role', 'equalto', 'user') | list | length }}{{ m | selectattr('tool_calls') | list | length }}{{ m | selectattr('tool_calls', 'defined') | list | length }}{{ m | rejectattr('role', 'eq', 'user') | map(attribute='role') | join }})j",
       R"j(211assistant)j"},
      {R"j({% if l | select('gt', 9) %}a generator is true{% endif %})j", R"j(a generator is true)j"},
      {R"j({% set g = l | select('odd') %}{{ g | list }}{{ g | list }})j", R"j([3, 1][])j"},
      {R"j({{ tree | map(attribute='children.0.name') | list }})j", R"j(['b'])j"},
  });
}

TEST(Template, Json) {
  expectAll({
      {R"j({{ d | tojson }}{{ u | tojson }}{{ '<&>' | tojson }})j",
       R"j({"b": 1, "a": [1, 2], "items": 5}"Ünï ß 😀""<&>")j"},
      {R"j({{ d | tojson(indent=2) }})j", R"j({
  "b": 1,
  "a": [
    1,
    2
  ],
  "items": 5
})j"},
      {R"j({{ {'b': [], 'a': {}} | tojson(indent=4, sort_keys=true) }})j", R"j({
    "a": {},
    "b": []
})j"},
      {R"j({{ u | tojson(ensure_ascii=true) }}{{ '\n\t\x01\\"' | tojson }})j",
       R"j("\u00dcn\u00ef \u00df \ud83d\ude00""\n\t\u0001\\\"")j"},
      {R"j({{ [1.0, 1e20, none, true, (1, 2)] | tojson(separators=(',', ':')) }})j",
       R"j([1.0,1e+20,null,true,[1,2]])j"},
      {R"j({{ {1: 2, none: 3, true: 4, 1.5: 6} | tojson }})j", R"j({"1": 4, "null": 3, "1.5": 6})j"},
  });
}

TEST(Template, TextMethods) {
  expectAll({
      {R"j({{ 'a,b,,c'.split(',') }}{{ 'a,b,c'.split(',', 1) }}{{ ' a  b '.split() }}{{ ' a  b c '.split(none, 1) }}{{ 'a,b,c'.rsplit(',', 1) }}{{ ' a b c '.rsplit(none, 1) }})j",
       R"j(['a', 'b', '', 'c']['a', 'b,c']['a', 'b']['a', 'b c ']['a,b', 'c'][' a b', 'c'])j"},
      {R"j({{ ' a '.strip() }}|{{ ' a '.lstrip() }}|{{ ' a '.rstrip() }}|{{ 'xyax'.strip('xy') }})j", R"j(a|a | a|a)j"},
      {R"j({{ s.startswith('He') }}{{ s.startswith(('x', 'He')) }}{{ s.endswith('ld') }}{{ s.startswith('l', 2) }})j",
       R"j(TrueTrueTrueTrue)j"},
      {R"j({{ s.find('o') }}{{ s.find('o', 5) }}{{ s.rfind('o') }}{{ s.find('zz') }}{{ s.index('W') }}{{ s.count('l') }})j",
       R"j(488-173)j"},
      {R"j({{ s.replace('l', 'L') }}{{ s.replace('l', '', 1) }}{{ 'ab'.replace('', '-') }})j",
       R"j(HeLLo, WorLdHelo, World-a-b-)j"},
      {R"j({{ s.upper() }}{{ s.lower() }}{{ s.title() }}{{ s.swapcase() }}{{ 'aB'.capitalize() }})j",
       R"j(HELLO, WORLDhello, worldHello, WorldhELLO, wORLDAb)j"},
      {R"j({{ 'a\n\nb\r\nc\x0bd'.splitlines() }}{{ 'a\nb'.splitlines(true) }})j",
       R"j(['a', '', 'b', 'c', 'd']['a\n', 'b'])j"},
      {R"j({{ '-'.join(words) }}{{ ''.join([]) }})j", R"j(b-A-c-a)j"},
      {R"j({{ '{} {1}'.format(1) if f }}{{ '{}-{}'.format(1, 'a') }}{{ '{1}{0}{k}'.format(1, 2, k=3) }}{{ '{:>5}|{:<4}|{:^5}|{:05d}|{:.2f}|{:,}|{:x}|{{}}'.format('a', 'b', 'c', 42, 3.14159, 1234567, 255) }})j",
       R"j(1-a213    a|b   |  c  |00042|3.14|1,234,567|ff|{})j"},
      {R"j({{ 'abc'.removeprefix('a') }}{{ 'abc'.removesuffix('c') }}{{ 'a=b=c'.partition('=') }}{{ 'a=b=c'.rpartition('=') }})j",
       R"j(bcab('a', '=', 'b=c')('a=b', '=', 'c'))j"},
      {R"j({{ '12'.isdigit() }}{{ '²'.isdigit() }}{{ 'a1'.isalnum() }}{{ 'ab'.isalpha() }}{{ ' '.isspace() }}{{ ''.isdigit() }}{{ 'AB'.isupper() }}{{ 'Ab'.istitle() }})j",
       R"j(TrueTrueTrueTrueTrueFalseTrueTrue)j"},
      {R"j({{ 'a'.ljust(3, '.') }}{{ 'a'.rjust(3) }}{{ 'ab'.center(7, '*') }}{{ '-7'.zfill(4) }})j",
       R"j(a..  a***ab**-007)j"},
  });
}

TEST(Template, ListMethods) {
  expectAll({
      {R"j({{ l.index(1) }}{{ l.count(1) }}{{ (1, 2).index(2) }}{{ d.copy() == d }})j", R"j(111True)j"},
  });
}

TEST(Template, Set) {
  expectAll({
      {R"j({% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (c, d2) = (3, 4) %}{{ c }}{{ d2 }}{% set z = 1, 2 %}{{ z }})j",
       R"j(1234(1, 2))j"},
      {R"j({% set x %}block {{ i }}{% endset %}[{{ x }}])j", R"j([block 7])j"},
      {R"j({% set x | upper | replace('B', 'c') %}block{% endset %}{{ x }})j", R"j(cLOCK)j"},
      {R"j({% if t %}{% set y = 1 %}{% endif %}{{ y }})j", R"j(1)j"},
      {R"j({% set c = 0 %}{% for a in l %}{% set c = c + a %}{{ c }}{% endfor %}{{ c }})j", R"j(3120)j"},
      {R"j({% set ns = namespace(c=0) %}{% for a in l %}{% set ns.c = ns.c + a %}{% endfor %}{{ ns.c }}{{ ns.zz is defined }})j",
       R"j(6False)j"},
      {R"j({% with a=1, b=i %}{{ a }}{{ b }}{% endwith %}{{ a }})j", R"j(17)j"},
  });
}

TEST(Template, If) {
  expectAll({
      {R"j({% if f %}a{% elif i == 7 %}b{% else %}c{% endif %}{% if nope %}x{% else %}y{% endif %}{% if [] %}z{% endif %})j",
       R"j(by)j"},
  });
}

TEST(Template, For) {
  expectAll({
      {R"j({% for a in l %}{{ a }}{% if not loop.last %}, {% endif %}{% endfor %})j", R"j(3, 1, 2)j"},
      {R"j({% for a in [] %}x{% else %}none{% endfor %})j", R"j(none)j"},
      {R"j({% for a in l if a > 1 %}{{ loop.index }}/{{ loop.length }}:{{ a }} {% else %}no{% endfor %})j",
       R"j(1/2:3 2/2:2 )j"},
      {R"j({% for a in l %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.depth }}{{ loop.previtem }}-{{ loop.nextitem }}{{ loop.cycle('x', 'y') }}{{ loop.changed(a > 1) }} {% endfor %})j",
       R"j(032True1-1xTrue 121False13-2yTrue 210False11-xTrue )j"},
      {R"j({% for a in l %}{% if a == 1 %}{% continue %}{% endif %}{{ a }}{% endfor %})j", R"j(32)j"},
      {R"j({% for a in l %}{% for b in words %}{% if b == 'c' %}{% break %}{% endif %}{{ b }}{% endfor %}{{ loop.index }}{% endfor %})j",
       R"j(bA1bA2bA3)j"},
      {R"j({% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %})j", R"j(123)j"},
      {R"j({% for a in 'abc' %}{{ a }}.{% endfor %}{% for a in d %}{{ a }}{% endfor %}{% for a in range(3) %}{{ a }}{% endfor %}{% for a in nope %}{% else %}-{% endfor %})j",
       R"j(a.b.c.baitems012-)j"},
      {R"j({% for n in tree recursive %}{{ n.name }}{{ loop.depth }}[{{ loop(n.children) }}]{% endfor %})j",
       R"j(a1[b2[]])j"},
      {R"j({% set ns = namespace(done=false) %}{% for a in l if not ns.done %}{{ a }}{% set ns.done = true %}{% endfor %})j",
       R"j(3)j"},
      {R"j({{ loop is defined }}{% for a in [1] %}{{ loop is defined }}{% endfor %})j", R"j(FalseTrue)j"},
  });
}

TEST(Template, ElseOfALoopWhoseIterationsAllEndEarly) {
  expectAll({{"{% for a in l %}{% continue %}{% else %}else{% endfor %}", "else"},
             {"{% for a in l %}{% break %}{% else %}else{% endfor %}", "else"},
             {"{% for a in l %}{% if loop.last %}{% break %}{% endif %}{% else %}else{% endfor %}", ""}});
}

TEST(Template, Macros) {
  expectAll({
      {R"j({% macro f(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }}|{{ f(1, 5) }}|{{ f(1, c=9) }}|{{ f(b=3, a=4) }}|{{ f() }})j",
       R"j(121|151|129|434|2)j"},
      {R"j({% macro f(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, 3, k=4) }})j",
       R"j(1(2, 3){'k': 4})j"},
      {R"j({% macro f() %}[{{ caller() }}]{% endmacro %}{% call f() %}inner {{ i }}{% endcall %})j", R"j([inner 7])j"},
      {R"j({% macro f() %}{{ caller(1, b=2) }}{% endmacro %}{% call(a, b) f() %}{{ a }}-{{ b }}{% endcall %})j",
       R"j(1-2)j"},
      {R"j({% macro f(x) %}{% if x > 0 %}{{ x }}{{ f(x - 1) }}{% endif %}{% endmacro %}{{ f(5) }})j", R"j(54321)j"},
      {R"j({% macro f() %}{{ late }}{% endmacro %}{% set late = 5 %}{{ f() }})j", R"j(5)j"},
      {R"j({% macro f(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ f(*[1, 2]) }}{{ f(1, **{'b': 4}) }}{{ f.name }})j",
       R"j(1214f)j"},
      {R"j({% set a = 'x' %}{% macro f() %}{% set a = 'y' %}{{ a }}{% endmacro %}{{ f() }}{{ a }})j", R"j(yx)j"},
  });
}

TEST(Template, Blocks) {
  expectAll({
      {R"j({% filter upper | replace('A', 'b') %}a{{ s }}{% endfilter %})j", R"j(bHELLO, WORLD)j"},
      {R"j({% generation %}hi{% set q = 1 %}{% endgeneration %}{{ q }})j", R"j(hi)j"},
      {R"j({% print 1, 2 %})j", R"j(12)j"},
      {R"j({% raw %}{{ a }}{% b %}{% endraw %})j", R"j({{ a }}{% b %})j"},
      {R"j(a{# {{ no }} {% no %} #}b)j", R"j(ab)j"},
  });
}

TEST(Template, Functions) {
  expectAll({
      {R"j({{ range(3) | list }}{{ range(1, 4) | list }}{{ range(5, 0, -2) | list }}{{ range(10)[-1] }})j",
       R"j([0, 1, 2][1, 2, 3][5, 3, 1]9)j"},
      {R"j({{ dict(a=1, b=2) }}{{ dict({'a': 1}, b=2) }}{{ dict([('a', 1)]) }})j",
       R"j({'a': 1, 'b': 2}{'a': 1, 'b': 2}{'a': 1})j"},
      {R"j({% set j = joiner('|') %}{% for a in l %}{{ j() }}{{ a }}{% endfor %})j", R"j(3|1|2)j"},
  });
}

TEST(Template, WhiteSpace) {
  expectAll({
      {R"j(a
  {% if t %}
  b
  {% endif %}
c

)j",
       R"j(a
  b
c
)j"},
      {R"j({%- if t -%}  x  {%- endif +%}
y)j",
       R"j(x
y)j"},
      {R"j(x  {{- s -}}  y)j", R"j(xHello, Worldy)j"},
      {R"j(  {# c #}
x {# d #}
y {#- e -#}  z)j",
       R"j(x yz)j"},
      {R"j(a {%- raw -%} {{x}} {%- endraw -%} b
)j",
       R"j(a{{x}}b)j"},
      {R"j(   {%+ if t %}x{% endif %})j", R"j(   x)j"},
      {R"j(a   {%+ if t -%}  x{% endif %})j", R"j(a   x)j"},
      {R"j({% if t %}


x

{% endif %}

)j",
       R"j(

x

)j"},
      {R"j(

{{ s }}

)j",
       R"j(

Hello, World
)j"},
      {"{{ s }}\r\n{{ s }}\rz", R"j(Hello, World
Hello, World
z)j"},
      {R"j({{ s -}}

  x)j",
       R"j(Hello, Worldx)j"},
      {R"j({%- for a in [1, 2] -%}
  {{ a }}
{%- endfor -%}
)j",
       R"j(12)j"},
      {R"j({% for a in [1, 2] %}
  {{ a }}
{% endfor %}
end)j",
       R"j(  1
  2
end)j"},
      {R"j({{ -1 }}{{-1}}{{+ 2 }})j", R"j(-112)j"},
      {R"j({{ 'a
b' }})j",
       R"j(a
b)j"},
      {R"j({% raw %}
 x
  {% endraw %}
y)j",
       R"j(
 x
y)j"},
  });
}

TEST(Template, TellsTheTime) {
  EXPECT_EQ(rendered("{{ strftime_now('%Y %B %% %d') }}"), "2023 November % 14");
  EXPECT_EQ(rendered("{{ strftime_now('%z|%Z|%-d%f') }}"), "||14000000");
  EXPECT_EQ(rendered("{{ strftime_now('%Y') is string }}{{ strftime_now('') }}|"), "True|");
}

//===----------------------------------------------------------------------===//
// What they cannot write
//===----------------------------------------------------------------------===//

TEST(Template, NamesWhatItCannotDo) {
  expectAll({
      {"{{ raise_exception('roles must\nalternate') }}", "error: line 1: the template refuses: roles must alternate"},
      {"a\n{% include 'x' %}", "unreadable: line 2: the statement 'include' is not supported"},
      {"{% endif %}", "unreadable: line 1: expects a statement before 'endif' to end, but there is none"},
      {"\n\n{{ s | urlize }}", "error: line 3: the filter 'urlize' is not supported"},
      {"{% if s is wide %}{% endif %}", "error: line 1: the test 'wide' is not supported"},
      {"{{ l | map('zz') | list }}", "error: line 1: the filter 'zz' is not supported"},
      {"{{ lipsum() }}", "error: line 1: the function 'lipsum' is not supported"},
      {"{{ s.encode() }}", "error: line 1: the method 'encode' of a string is not supported"},
      {"{{ l.append(1) }}",
       "error: line 1: expects lists and dicts to stay as they are, but 'append' would change a list"},
      {"{{ '\\N{BULLET}' }}", "unreadable: line 1: a string with a character by name, '\\N', is not supported"},
      {"{{ l | select }}", "error: line 1: expects a value that has a text, but would print a generator"},
  });
}

TEST(Template, NamesMistakes) {
  expectAll({
      {"{{ nope.x }}", "error: line 1: 'nope' is undefined"},
      {"\n{{ m[0].name.first }}", "error: line 2: 'dict object' has no attribute 'name'"},
      {"{{ 'a' + 1 }}", "error: line 1: expects operands that '+' can take, but found a string and an integer"},
      {"{{ 1 / 0 }}", "error: line 1: expects a divisor that is not 0 for '/', but found 0"},
      {"{{ 'a' < 1 }}", "error: line 1: expects values that have an order, but compares a string with an integer"},
      {"{{ s() }}", "error: line 1: expects a function to call, but found a string"},
      {"{{ nope() }}", "error: line 1: 'nope' is undefined"},
      {"{% for a in i %}{% endfor %}", "error: line 1: expects something to iterate over, but found an integer"},
      {"{% set a, b = l %}", "error: line 1: expects 2 values to unpack, but found 3"},
      {"{{ n | length }}", "error: line 1: the filter 'length' expects something with a length, but found none"},
      {"{{ nope | tojson }}",
       "error: line 1: expects a value that JSON has for 'tojson', but found an undefined value"},
      {"{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}",
       "error: line 1: expects at most 1 arguments for the macro 'f', but found 2"},
      {"{% macro f(a) %}{% endmacro %}{{ f(z=1) }}",
       "error: line 1: the macro 'f' expects no argument 'z', but it is given"},
      {"{% set s.x = 1 %}", "error: line 1: expects a namespace before '.x' on the left of '=', but found a string"},
      {"{{ {[1]: 2} }}", "error: line 1: expects a key that can be hashed, but found a list"},
      {"{{ l[::0] }}", "error: line 1: expects a step that is not 0 in a slice, but found 0"},
      {"{{ '%d' % 'a' }}", "error: line 1: expects a number for the format 'd', but found a string"},
      {"{{ 9223372036854775807 + 1 }}", "error: line 1: expects integers of at most 64 bits, but a result has more"},
      {"{% if t %}\n", "unreadable: line 1: expects 'endif', but the template ends"},
      {"{{ 1 +\n}}", "unreadable: line 2: expects an expression, but found '}}'"},
      {"{{ (1 }}", "unreadable: line 1: expects ')', but found '}'"},
      {"{{ 'a }}", "unreadable: line 1: expects the end of a string, but the template ends"},
      {"{{ a ? b }}", "unreadable: line 1: expects an expression, but found the character '?'"},
      {"{# a", "unreadable: line 1: expects '#}' behind '{#', but the template ends"},
      {"{% raw %}a", "unreadable: line 1: expects '{% endraw %}', but the template ends"},
      {"{% break %}", "unreadable: line 1: expects 'break' inside of a loop, but it is outside"},
      {"{% for loop in l %}{% endfor %}",
       "unreadable: line 1: expects a name to assign to, but 'loop' is the loop's own"},
      {"{% set true = 1 %}", "unreadable: line 1: expects a name to assign to, but found 'true'"},
  });
}

TEST(Template, SaysWhatItReadsAndLacks) {
  std::string error;
  auto made =
      Template::parse("{% for m in messages %}{{ m | wide }}{% endfor %}\n{{ x is odd }}{{ y is tall }}", error);
  ASSERT_TRUE(made) << error;
  EXPECT_TRUE(made->reads("messages"));
  EXPECT_TRUE(made->reads("x"));
  EXPECT_FALSE(made->reads("enable_thinking"));
  EXPECT_EQ(made->unsupported(), (std::vector<std::string>{"line 1: the filter 'wide' is not supported",
                                                           "line 2: the test 'tall' is not supported"}));
}

//===----------------------------------------------------------------------===//
// Hostile templates
//===----------------------------------------------------------------------===//

TEST(Template, EndsWhateverItIsTold) {
  const Limits small{100000, 1000000};
  for (const char *text : {
           "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
           "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
           "{% macro f() %}{% for a in range(9) %}{{ f() }}{% endfor %}{% endmacro %}{{ f() }}",
           "{{ 'a' * 999999999999 }}",
           "{{ [1] * 999999999999 }}",
           "{% set ns = namespace(x='ab') %}{% for a in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
           "{% set ns = namespace(x='ab') %}{% for a in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
           "{% set ns = namespace(x='a') %}{% for a in range(99) %}{% set ns.x = ns.x.replace('a', 'aaaa') %}{% endfor "
           "%}",
           "{% set ns = namespace(x=[1]) %}{% for a in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
           "{% set ns = namespace(x=[1]) %}{% for a in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}",
           "{% set ns = namespace(x=[1]) %}{% for a in range(9999) %}{% set ns.x = ns.x | map('list') %}{% endfor %}",
           "{{ '%999999999d' % 1 }}",
           "{{ '{:999999999}'.format(1) }}",
           "{{ 'a' | center(999999999) }}",
           "{{ s | indent(999999999) }}",
           "{{ l | tojson(indent=999999999) }}",
           "{{ l | batch(999999999, 0) | list }}",
           "{{ l | slice(999999999) | list }}",
           "{{ 2 ** 99 }}",
           "{% for a in l recursive %}{{ loop([1]) }}{% endfor %}",
       })
    EXPECT_EQ(rendered(text, variables(), small).substr(0, 13), "error: line 1") << text;
}

TEST(Template, FreesWhatHoldsItself) {
  EXPECT_EQ(rendered("{% set a = namespace() %}{% set a.self = a %}{% set a.list = [a, a.self] %}"
                     "{% macro f() %}{{ f }}{% endmacro %}{% set a.f = f %}ok"),
            "ok");
  // A chain of namespaces, whose end holds its beginning.
  EXPECT_EQ(
      rendered("{% set first = namespace() %}{% set ns = namespace(tail=first) %}{% for i in range(50000) %}"
               "{% set n = namespace() %}{% set t = ns.tail %}{% set t.next = n %}{% set ns.tail = n %}{% endfor %}"
               "{% set t = ns.tail %}{% set t.next = first %}ok"),
      "ok");
}

TEST(Template, BoundsNesting) {
  for (const auto &[open, close] : std::vector<std::pair<std::string, std::string>>{
           {"{{ " + repeated("(", 100000), repeated(")", 100000) + " }}"},
           {"{{ " + repeated("[", 100000), repeated("]", 100000) + " }}"},
           {"{{ " + repeated("-", 100000), "1 }}"},
           {"{{ " + repeated("not ", 100000), "1 }}"},
           {"{{ 1" + repeated(" + 1", 100000), " }}"},
           {"{{ 1" + repeated(" if 1", 100000), " }}"},
           {"{{ s" + repeated(".x", 100000), " }}"},
           {"{{ s" + repeated("|e", 100000), " }}"},
           {"{{ s" + repeated("()", 100000), " }}"},
           {"{% set " + repeated("(", 100000), "a %}"},
           {repeated("{% if 1 %}", 100000), ""},
           {repeated("{% for a in l %}", 100000), ""},
       }) {
    const std::string result = rendered(open + close);
    EXPECT_EQ(result.substr(0, 20), "unreadable: line 1: ") << open.substr(0, 30);
    EXPECT_LT(result.size(), 200u);
  }
  // Each level is within its bound, all of them together are not more than a stack holds.
  std::string chain = "1";
  for (int i = 0; i < 100; ++i)
    chain = "(" + chain + repeated(" + 1", 150) + ")";
  EXPECT_EQ(rendered("{{ " + chain + " }}").substr(0, 12), "unreadable: ");
  Json deep = 1;
  for (int i = 0; i < 5000; ++i) {
    Json around = Json::array();
    around.push_back(std::move(deep));
    deep = std::move(around);
  }
  EXPECT_EQ(rendered("{{ x }}", Json({{"x", std::move(deep)}})),
            "error: expects values nested at most 200 deep, but these are deeper");
}

TEST(Template, KeepsTextValid) {
  EXPECT_EQ(rendered("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(rendered("{{ x }}{{ x | length }}", {{"x", "\xC3"}}), "\xEF\xBF\xBD"
                                                                  "1");
  EXPECT_EQ(rendered(std::string("a\0{{ s[0] }}", 12)), std::string("a\0H", 3));
}
