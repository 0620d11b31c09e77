import ctypes
import json
import os
import unittest
from unittest import mock

from rustml import _library, _raw

# With RUSTML_EXPECT_REFUSAL the library at hand does not fit; it is what the refusal has to say.
REFUSED = os.environ.get("RUSTML_EXPECT_REFUSAL")


class Raw(unittest.TestCase):
    def test_load(self):
        if REFUSED:
            with self.assertRaisesRegex(ImportError, REFUSED):
                _library.load()
            return
        library = _library.load()
        self.assertTrue(library.rustml_version())
        self.assertEqual(library.rustml_abi_version(), _raw.RUSTML_VERSION_MAJOR << 16 | _raw.RUSTML_VERSION_MINOR)
        self.assertEqual(library.rustml_abi_layout_hash(_raw.RUSTML_VERSION_MAJOR, _raw.RUSTML_VERSION_MINOR), _raw.LAYOUT_HASH)
        self.assertEqual(library.rustml_abi_layout_hash(999, 0), 0)

    @unittest.skipIf(REFUSED, "no library")
    def test_layout_json(self):
        layout = json.loads(_library.load().rustml_abi_layout_json())
        self.assertEqual(int(layout["hash"], 16), _raw.LAYOUT_HASH)
        for struct in layout["structs"]:
            mine = getattr(_raw, struct["name"])
            self.assertEqual(struct["size"], ctypes.sizeof(mine))
            self.assertEqual([field["name"] for field in struct["fields"]], [field[0] for field in mine._fields_])
        for function in layout["functions"]:
            self.assertEqual(len(function["parameters"]), len(getattr(_library.load(), function["name"]).argtypes))

    @unittest.skipIf(REFUSED, "no library")
    def test_callback(self):
        library = _library.load()
        mark, seen = 0xFEDCBA9876543210, []

        @_raw.rustml_reader_read_at
        def read_at(user_data, offset, buf, n):
            seen.append(("read", user_data))
            return 7

        @_raw.rustml_reader_destroy
        def destroy(user_data):
            seen.append(("destroy", user_data))

        reader, info, error = _raw.rustml_reader(), _raw.rustml_snapshot_info(), ctypes.c_void_p()
        library.rustml_reader_init(reader, ctypes.sizeof(reader))
        info.struct_size = ctypes.sizeof(info)
        reader.user_data, reader.size, reader.read_at, reader.destroy = mark, 1 << 20, read_at, destroy
        self.assertEqual(library.rustml_snapshot_probe(reader, info, error), _raw.RUSTML_CALLBACK_STOP)
        self.assertEqual(library.rustml_error_callback_value(error), 7)
        self.assertEqual(seen, [("read", mark), ("destroy", mark)])
        self.assertEqual(library.rustml_error_release(error), _raw.RUSTML_OK)
        self.assertEqual(library.rustml_error_release(error), _raw.RUSTML_INVALID_HANDLE)

    def test_missing_library_says_where(self):
        before = os.environ.get("RUSTML_LIBRARY")
        os.environ["RUSTML_LIBRARY"] = "/no/such/librustml.so"
        try:
            with self.assertRaisesRegex(ImportError, "/no/such/librustml.so"):
                _library.load.__wrapped__()
        finally:
            os.environ.pop("RUSTML_LIBRARY")
            if before is not None:
                os.environ["RUSTML_LIBRARY"] = before

    def test_missing_library_lists_every_place(self):
        environment = {name: value for name, value in os.environ.items() if name != "RUSTML_LIBRARY"}
        with mock.patch.dict(os.environ, environment, clear=True), mock.patch("ctypes.CDLL", side_effect=OSError("not there")):
            places = _library.candidates()
            with self.assertRaises(ImportError) as caught:
                _library.load.__wrapped__()
        self.assertTrue({f"librustml.so.{_raw.RUSTML_VERSION_MAJOR}", "librustml.so"} <= set(places), places)
        lines = str(caught.exception).splitlines()
        self.assertEqual([line.strip() for line in lines[1:]], [f"{place}: not there" for place in places])


if __name__ == "__main__":
    unittest.main()
