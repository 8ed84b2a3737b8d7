package auth

import (
	"maps"
	"slices"
)

// Reasons are all reasons that have a status.
func Reasons() []Reason { return slices.Sorted(maps.Keys(statuses)) }

// HashToken is how a session_token is stored.
func HashToken(token string) string { return hashToken(token) }
