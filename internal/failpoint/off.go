//go:build !failpoints

package failpoint

import "time"

// Enabled reports whether this program has failpoints.
const Enabled = false

// Hit does nothing.
func Hit(string) error { return nil }

// Set does nothing.
func Set(string) error { return nil }

// SetClock does nothing.
func SetClock(time.Duration) {}

// Now is time.Now.
func Now() time.Time { return time.Now() }
