//go:build !failpoints

package failpoint

// Enabled reports whether this program has failpoints.
const Enabled = false

// Hit does nothing.
func Hit(string) error { return nil }
