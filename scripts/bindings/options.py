"""src/api/options.toml, compared with rustml.h, and what C++ has of it: src/base/options_generated.h, src/boundary/defaults_generated.h."""

import re
from dataclasses import dataclass, field

from . import words

KEYS = {"doc", "range", "way_out", "default", "type", "help", "program", "name"}
KINDS = {"float": "float", "int32_t": "int", "uint32_t": "count", "uint64_t": "count"}
ENDS = {"int32_t": "std::numeric_limits<int32_t>::max()", "uint32_t": "std::numeric_limits<uint32_t>::max()",
        "uint64_t": "std::numeric_limits<uint64_t>::max()", "float": "std::numeric_limits<float>::max()"}
LOWEST = {"int32_t": "std::numeric_limits<int32_t>::lowest()", "float": "std::numeric_limits<float>::lowest()"}
# What snapshots of 1.0 have without a name: kOptionsOf10 of src/generation/saved_options.cpp. Later ones are saved by their names.
SAVED_1_0 = ("seed", "temperature", "top_k", "top_p", "min_p", "typical_p", "repetition_penalty", "presence_penalty", "frequency_penalty",
             "repetition_window", "logprobs")
# The notation of a range: (pattern, is its lower end left out, the words of a refusal).
RANGES = [(r">= (?P<low>\S+)", False, "{low} or more"), (r"> (?P<low>\S+)", True, "above {low}"), (r"at most (?P<high>\d+)", False, "at most {high}"),
          (r"\((?P<low>\S+), (?P<high>\S+)\]", True, "above {low} and at most {high}"),
          (r"\[(?P<low>\S+), (?P<high>\S+)\]", False, "from {low} to {high}"), (r"(?P<low>\d+)\.\.\.(?P<high>\d+)", False, "{low} to {high}")]


@dataclass
class Option:
    name: str
    c: str  # its type in C
    kind: str  # float, int, count, flag, bits, or the name of an enumeration
    doc: str
    default: object = 0
    low: str = ""
    high: str = ""
    above: bool = False
    rule: str = ""
    help: str = ""
    program: dict = field(default_factory=dict)
    names: dict = field(default_factory=dict)

    def named(self, language):
        """What a language calls it; empty: it is written by hand there."""
        return self.names.get(language, self.name)

    @property
    def text(self):
        """All that a user of a binding is told."""
        parts = [self.doc, self.rule and f"{self.rule[0].upper()}{self.rule[1:]}."]
        if self.kind == "flag":
            parts.append(f"Default: {'on' if self.default else 'off'}.")
        elif self.kind in ("float", "int", "count") and (self.default or self.rule):
            parts.append(f"Default: {self.default}.")
        return " ".join(filter(None, parts))


def refuse(section, name, what):
    raise SyntaxError(f"src/api/options.toml: [{section}.{name}]: {what}")


def read_range(section, name, notation):
    for pattern, above, rule in RANGES:
        found = re.fullmatch(pattern, notation)
        if found:
            ends = found.groupdict()
            return ends.get("low", ""), ends.get("high", ""), above, rule.format(**ends)
    refuse(section, name, f"range {notation!r} is in no notation that is known")


def read_option(section, name, row, fields):
    """Refuses what the header does not say too."""
    if set(row) - KEYS or "doc" not in row:
        refuse(section, name, f"has the keys {sorted(row)}; it takes {sorted(KEYS)}, and needs doc")
    if name not in fields:
        refuse(section, name, "is no field of its struct in rustml.h")
    of = fields[name]
    option = Option(name, of.type.c, row.get("type", KINDS.get(of.type.c, "")), row["doc"], row.get("default", 0), help=row.get("help", ""),
                    program=row.get("program", {}), names=row.get("name", {}))
    if not option.kind:
        refuse(section, name, f"is {of.type.c}, which is no number: name it in by_hand")
    if "range" in row:
        option.low, option.high, option.above, option.rule = read_range(section, name, row["range"])
        option.rule += f"; {row['way_out']}" if "way_out" in row else ""
        if row["range"] not in of.doc:
            refuse(section, name, f"has the range {row['range']!r}, of which the comment in rustml.h says nothing: {of.doc!r}")
    numbers = re.findall(r"\d+", of.doc)
    if option.default and option.kind in ("float", "int", "count", "flag") and (str(option.default) not in numbers):
        refuse(section, name, f"has the default {option.default}, of which the comment in rustml.h says nothing: {of.doc!r}")
    return option


def read(path, header):
    """Section -> its options in the header's order; `sampling` apart from `generation`. Every field of an option struct is described or by hand."""
    import tomllib  # of Python 3.11: generate_bindings.py says so

    table = tomllib.loads(path.read_text(encoding="utf-8"))
    structs = {struct.name: struct for struct in header.structs}
    out = {}
    for section, rows in table.items():
        struct = structs.get(f"rustml_{'generation' if section == 'sampling' else section}_options")
        if struct is None:
            refuse(section, "*", "is no option struct of rustml.h")
        fields = {f.name: f for f in struct.fields}
        described = {name: row for name, row in rows.items() if name != "by_hand"}
        known = {"struct_size", "flags", *described, *rows.get("by_hand", []), *(table["sampling"] if section == "generation" else [])}
        for name in fields:
            if section != "sampling" and name not in known and not name.startswith("reserved"):
                refuse(section, name, "is a field of rustml.h that is not described")
        options = [read_option(section, name, row, fields) for name, row in described.items()]
        out[section] = sorted(options, key=lambda option: fields[option.name].offset)
    return out


def cpp_number(option, text):
    return f"{float(text)}F" if option.c == "float" else f"{text}{'u' if option.c.startswith('u') else ''}"


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if text else "nullptr"


def row(option):
    """One option as a base::NumberOption."""
    low = cpp_number(option, option.low) if option.low else LOWEST.get(option.c, "0")
    high = cpp_number(option, option.high) if option.high else ENDS[option.c]
    least = cpp_number(option, option.program["least"]) if "least" in option.program else low
    way_out = option.program.get("way_out", option.rule.partition("; ")[2])
    program = quoted("--" + option.name.replace("_", "-")) if option.help else "nullptr"
    return (f"NumberOption<{option.c}>{{{quoted(option.name)}, {low}, {high}, {'true' if option.above else 'false'}, {quoted(option.rule)},\n"
            f"      {program}, {least}, {quoted(way_out)},\n      {quoted(option.help)}}}")


def walk(name, about, options):
    out = ["", *words.wrap(about, "// ", 130), "template <class F, class... S>", f"void {name}(F&& f, S&... s) {{"]
    for option in options:
        out.append(f"  f({row(option)},\n    s.{option.name}...);")
    return out + ["}"]


def cpp_ranges(sections):
    """src/base/options_generated.h"""
    out = [f"// The options of rustml_generation_options that are numbers: {words.BANNER}.", "#pragma once", "#include <cstdint>", "#include <limits>", "#include <tuple>",
           "", "namespace rustml::base {", "", "// What src/api/options.toml says of one. Its values are `low` to `high`, without `low` where `above`.",
           "template <class T>", "struct NumberOption {", "  const char* name;", "  T low, high;", "  bool above;",
           '  const char* rule;     // of a refusal: "it must be ..."; nullptr: any value is good',
           "  const char* program;  // the program's option; nullptr: it has none", "  T least;              // that the program takes",
           "  const char* way_out;  // of the program's refusal", "  const char* help;", "};", "",
           "// What the sampler gets; a snapshot has all of them.", "struct SamplingNumbers {"]
    for option in sections["sampling"]:
        out.append(f"  {option.c} {option.name} = {option.default};")
    later = [f'SavedNumber<&SamplingNumbers::{o.name}>{{"{o.name}"}}' for o in sections["sampling"] if o.name not in SAVED_1_0]
    out += ["};", "", "// Those that came after 1.0, which snapshots have by name.", "template <auto Member>", "struct SavedNumber {",
            "  static constexpr auto member = Member;", "  const char* name;", "};",
            f"inline constexpr auto kLaterSamplingNumbers = std::make_tuple({', '.join(later)});"]
    out += walk("for_each_sampling_number", "f(option, s.field...) for each of them; a struct `s` is SamplingNumbers or rustml_generation_options.",
                sections["sampling"])
    out += walk("for_each_running_number", "The same for those that say how a generation runs, not what it gives: generation::Limits or "
                "rustml_generation_options. No snapshot has them.", [o for o in sections["generation"] if o.rule or o.help])
    return "\n".join(out + ["", "}  // namespace rustml::base"]) + "\n"


def cpp_defaults(header, sections):
    """src/boundary/defaults_generated.h"""
    structs = {}
    for section, options in sections.items():
        structs.setdefault(f"rustml_{'generation' if section == 'sampling' else section}_options", []).extend(o for o in options if o.default)
    out = [f"// Defaults that are not 0, and reserved fields, of the structs that callers fill in: {words.BANNER}.", "#pragma once",
           '#include "boundary/arguments.h"', "", "namespace rustml::boundary {", "",
           "template <class T>", "void set_defaults(T&) noexcept {}"]
    for struct, options in structs.items():
        if options:
            out += [f"inline void set_defaults({struct}& options) noexcept {{", *(f"  options.{o.name} = {o.default};" for o in options), "}"]
    out += ["", "template <class T>", "void require_reserved_zero(const T&) {}"]
    filled_in = {f.name.removesuffix("_init") for f in header.functions if f.name.endswith("_init")}
    for struct in header.structs:
        reserved = [f.name for f in struct.fields if f.name.startswith("reserved")]
        if reserved and struct.name in filled_in:
            out += [f"inline void require_reserved_zero(const {struct.name}& given) {{",
                    *(f'  require_zero(given.{name}, "{struct.name}.{name}");' for name in reserved), "}"]
    return "\n".join(out + ["", "}  // namespace rustml::boundary"]) + "\n"
