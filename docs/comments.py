"""comments.py HEADER: a public header with its comments as Doxygen reads them; Doxygen's input filter.

The headers are written for those who read them: plain comments, above a declaration or behind it, and at the head what holds
everywhere. Here a comment above becomes /** */, one behind /**< */; a comment above a run of constants goes to each of them;
`/* --- name */` opens a group; what the head says once (handles, `_retain`, struct_size, reserved fields) goes to everything
it is about. Nothing else is added: what the header does not say stays undocumented, which Doxygen reports.
"""

import re
import sys

ONCE = [  # a declaration without a comment -> what the head of rustml.h says about all of its kind
    (r"uint32_t struct_size;", "Size of the struct in bytes, as its user knows it: sizeof."),
    (r"uint32_t reserved\d;", "Must be 0."),
    (r"uint64_t n_(\w+);", r"Number of elements of \1."),
    (r"uint64_t (\w+)_len;", r"Length of \1 in bytes."),
    (r"void \*user_data;", "Passed to every function of the struct; the library does not look at it."),
    (r"void \(\*destroy\)\(void \*user_data\);", "NULL, or called once with user_data when the library no longer needs the struct."),
    (r".*\b\w+_retain\(", "Adds a reference and returns its argument; NULL if that is invalid. Give the reference back with the release function."),
    (r".*\b\w+_release\(", "Gives a reference back: in any order, on any thread, without waiting. Returns #RUSTML_INVALID_HANDLE for an invalid handle."),
    (r".*\b\w+_init\(", "Writes the defaults into `size` bytes (sizeof the struct) and sets struct_size. Returns #RUSTML_INVALID_ARGUMENT for NULL "
                        "or a size that no version of the struct has."),
]
COMMENT = re.compile(r"/\*(.*?)\*/", re.S)


def words(comment):
    """The text of a comment, with Doxygen's own characters as text."""
    text = "\n".join(re.sub(r"^\s*\* ?", "", line) for line in comment.split("\n"))
    parts = text.strip().split("`")  # every second one is code, which Doxygen takes as it is
    return "`".join(part if i % 2 else re.sub(r"([\\@<>&#*|~])", r"\\\1", part) for i, part in enumerate(parts))


def head(comment):
    """Paragraphs as they are; indented lists as code. Also {handle: what it is}."""
    out, kinds = [], {}
    for block in re.split(r"\n\s*\*\s*\n", comment):
        lines = [re.sub(r"^\s*\* ?", "", line) for line in block.split("\n")]
        listed = [line for line in lines if line.startswith("  ")]
        prose = " ".join(line for line in lines if not line.startswith("  "))
        out.append(words(prose) + ("\n\n@verbatim\n" + "\n".join(listed) + "\n@endverbatim" if listed else ""))
        kinds.update(match.groups() for line in listed if (match := re.fullmatch(r"  (rustml_\w+)\s+(.*)", line)))
    return "\n\n".join(out), kinds


def above(lines, number):
    """(text, first line) of the comment that ends on the line before `number`, or None."""
    end = number - 1
    if end < 0 or not lines[end].rstrip().endswith("*/"):
        return None
    start = end
    while "/*" not in lines[start]:
        start -= 1
    return None if lines[start].lstrip()[:2] != "/*" else (" ".join(lines[start:end + 1]), start)


def convert(text):
    first, rest = text.split("*/", 1)
    name = re.search(r"(\w+\.h): (.*)", first)
    said, kinds = head(first[first.index(name.group(2)):])
    out = [f"/** @file {name.group(1)}\n{said} */"]
    body = rest[rest.index('extern "C" {'):]  # what is before it says how the library is linked
    body = body[body.index("#endif") + len("#endif"):body.index("#ifdef __cplusplus")]
    opened = False
    group = ""  # the comment above the run of constants
    # Comments of several lines become one.
    body = COMMENT.sub(lambda match: re.sub(r"\s*\n\s*\*?\s*", " ", match.group(0)), body)
    lines = body.split("\n")
    for number, line in enumerate(lines):
        before = lines[number - 1].strip() if number else ""
        code, comment = line, ""
        found = COMMENT.search(line)
        if found:
            code, comment = line[:found.start()].rstrip(), found.group(1).strip()
        section = re.fullmatch(r"-{20,} (\w+)", comment)
        if section:
            out.append(("/** @} */\n" if opened else "") + f"/** @defgroup {section.group(1)} {section.group(1).capitalize()}\n@{{ */")
            opened = True
        elif found and not code:
            following = lines[number + 1].strip() if number + 1 < len(lines) else ""
            if following.startswith("#define"):
                group = comment
            elif following:
                out.append(f"/** {words(comment)} */")
            else:
                out.append(f"/** @remark {words(comment)} */" if not opened else f"/** @par Remarks\n{words(comment)} */")
        elif code.startswith("#define"):
            if not (before.startswith("#define") or COMMENT.fullmatch(before)):
                group = ""
            both = ".\n\n".join(words(part) for part in (comment, group) if part)
            out.append((f"/** {both} */\n" if both else "") + code)
        else:
            own = bool(comment) or COMMENT.fullmatch(before)
            handle = re.fullmatch(r"typedef struct (\w+) \1;", code.strip())
            if handle and handle.group(1) in kinds:
                out.append(f"/** {words(kinds[handle.group(1)])} */")
            elif not own:
                out += [f"/** {found.expand(doc)} */" for pattern, doc in ONCE if (found := re.match(pattern, code.strip()))]
            names = re.fullmatch(r"(\s+\w+ )(\w+(?:, \w+)+);", code)  # Doxygen would give the comment to the last one
            each = [f"{names.group(1)}{name};" for name in names.group(2).split(", ")] if names else [code]
            out += [line + (f" /**< {words(comment)} */" if comment else "") for line in each]
    return "\n".join(out) + ("\n/** @} */\n" if opened else "\n")


def current(out):
    return re.findall(r"@defgroup (\w+)", "\n".join(out))[-1]


if __name__ == "__main__":
    sys.stdout.write(convert(open(sys.argv[1], encoding="utf-8").read()))
