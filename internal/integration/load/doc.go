// Package load lets a crowd log in at a server on either database, and says how
// long it takes: see make load.
package load
