// Package torture says how far those tests go that could go on for ever.
package torture

import "os"

// Rounds returns short, or full under make torture, which sets
// MAILKEY_TORTURE.
func Rounds(short, full int) int {
	if os.Getenv("MAILKEY_TORTURE") == "" {
		return short
	}
	return full
}
