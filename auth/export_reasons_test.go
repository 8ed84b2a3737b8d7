package auth

import (
	"maps"
	"slices"
)

// Reasons are all reasons that have a status.
func Reasons() []Reason { return slices.Sorted(maps.Keys(statuses)) }
