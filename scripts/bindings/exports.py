"""Which names the library gives away: the linker's version script, and the .def file of Windows."""

from . import words


# Exported for librustml-hub alone (src/boundary/private.h): no part of the ABI, never taken away. Library -> version node -> names.
PRIVATE = {"rustml": {"RUSTML_PRIVATE_1": ["rustml_private_cancel_reason"]}}


def nodes(header, version, released, prefix):
    """(version node, its functions) oldest first: a function stays in the node of the release that brought it.
    `released`: (version, names of functions) of each release."""
    names = sorted(function.name for function in header.functions)
    major, minor = version
    if major == 0:  # until 1.0 the ABI may still move
        return [(f"{prefix}_0", names)]
    out, placed = [], set()
    for (then_major, then_minor), then in released:
        lost = set(then) - set(names)
        if lost:
            raise SyntaxError(f"{header.path}: released in {then_major}.{then_minor} and gone: {', '.join(sorted(lost))}")
        out.append((f"{prefix}_{then_major}.{then_minor}", sorted(set(then) - placed)))
        placed |= set(then)
    rest = [name for name in names if name not in placed]
    return out + ([(f"{prefix}_{major}.{minor}", rest)] if rest else [])


def version_script(header, version, released, prefix):
    out, before = [f"/* {words.BANNER} */"], ""
    for node, names in nodes(header, version, released, prefix):
        out += [f"{node} {{", "  global:", *(f"    {name};" for name in names)]
        out += ([] if before else ["  local: *;"]) + [f"}}{before};"]
        before = f" {node}"
    for node, names in PRIVATE.get(prefix.lower(), {}).items():
        out += [f"{node} {{", "  global:", *(f"    {name};" for name in names), "};"]
    return "\n".join(out) + "\n"


def module_definition(header, library):
    names = sorted([f.name for f in header.functions] + sum(PRIVATE.get(library, {}).values(), []))
    return "\n".join([f"; {words.BANNER}", f"LIBRARY {library}", "EXPORTS", *(f"  {name}" for name in names)]) + "\n"
