//go:build cgo && !rustml_purego

package raw

// Load says whether the linked library is the one this package was made for. The system's loader has found it already.
func Load() error {
	return refuse("librustml "+Version(), AbiVersion(), AbiLayoutHash(VersionMajor, VersionMinor))
}
