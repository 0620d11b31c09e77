//go:build !cgo || rustml_purego

package raw

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Load finds the library and its functions, once; every later call returns the same. Nothing else may be called before it
// has answered nil. RUSTML_LIBRARY names the file; without it the folder of the program, the system's loader and /usr/local/lib are asked.
var Load = sync.OnceValue(load)

func load() error {
	var tried []string
	for _, path := range candidates() {
		library, err := open(path)
		if err != nil {
			tried = append(tried, fmt.Sprintf("\n  %s: %s", path, strings.TrimPrefix(err.Error(), path+": ")))
			continue
		}
		return bind(path, library)
	}
	return errors.New("librustml not found; set RUSTML_LIBRARY to its path or install it. Tried:" + strings.Join(tried, ""))
}

func candidates() []string {
	if path := os.Getenv("RUSTML_LIBRARY"); path != "" {
		return []string{path}
	}
	var names []string
	switch runtime.GOOS {
	case "windows":
		names = []string{"rustml.dll", "librustml.dll"}
	case "darwin":
		names = []string{fmt.Sprintf("librustml.%d.dylib", VersionMajor), "librustml.dylib"}
	default:
		names = []string{fmt.Sprintf("librustml.so.%d", VersionMajor), "librustml.so"}
	}
	var paths []string
	if program, err := os.Executable(); err == nil {
		for _, name := range names {
			paths = append(paths, filepath.Join(filepath.Dir(program), name))
		}
	}
	paths = append(paths, names...)
	if runtime.GOOS != "windows" { // the loader of Linux knows it only after ldconfig
		for _, name := range names {
			paths = append(paths, "/usr/local/lib/"+name)
		}
	}
	return paths
}

// bind checks the layout before it asks for any other function, so that an old library is refused for what it is.
func bind(path string, library uintptr) error {
	version, err := symbol(library, "rustml_abi_version")
	if err != nil {
		return fmt.Errorf("%s is not librustml: %w", path, err)
	}
	layout, err := symbol(library, "rustml_abi_layout_hash")
	if err != nil {
		return fmt.Errorf("%s is older than ABI layout hashes; install a matching librustml: %w", path, err)
	}
	abi, _, _ := purego.SyscallN(version)
	hash, _, _ := purego.SyscallN(layout, VersionMajor, VersionMinor)
	if err := refuse(path, uint32(abi), uint64(hash)); err != nil {
		return err
	}
	for i, name := range symbols {
		if at[i], err = symbol(library, name); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// goString copies a text of the library's that ends with a zero byte.
func goString(address uintptr) string {
	if address == 0 {
		return ""
	}
	start := *(*unsafe.Pointer)(unsafe.Pointer(&address))
	n := 0
	for *(*byte)(unsafe.Add(start, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(start), n))
}
