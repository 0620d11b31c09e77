package raw

import "fmt"

// refuse says why a library with this ABI version and layout hash (its own answer for our version) does not fit, or nil.
func refuse(library string, version uint32, hash uint64) error {
	theirs := fmt.Sprintf("%s has ABI %d.%d", library, version>>16, version&0xFFFF)
	switch hash {
	case LayoutHash:
		return nil
	case 0:
		return fmt.Errorf("%s and does not know %d.%d, which this package was made for; install a matching librustml",
			theirs, VersionMajor, VersionMinor)
	default:
		return fmt.Errorf("%s and another layout of %d.%d (hash %#x, this package was made for %#x); install a matching librustml",
			theirs, VersionMajor, VersionMinor, hash, LayoutHash)
	}
}
