// Package size tests that a login does not get slower with what is stored: with
// a million users, five million sessions and ten million expired codes under
// make torture, and with a few thousand otherwise.
package size
