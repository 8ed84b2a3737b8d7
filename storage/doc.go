// Package storage is for people who write a store for mailkey.
//
// A store implements [Store]: a handful of small contracts, one per entity,
// each a few atomic verbs. The stores that come with the module are
// storage/memory, storage/sqlite and storage/postgres; package
// storage/storagetest is the conformance suite that all of them pass and
// yours should.
//
// The rules that hold for every verb:
//
//   - A verb is atomic: two requests, two goroutines or two instances that
//     call it at the same moment behave as if one had come first.
//   - A verb that returned without an error is durable as far as the store
//     promises durability at all. Only limits, unused captchas and tickets, the
//     times of last use and of the last beat may be lost when the power fails.
//   - "Wrong", "gone" and "not found" are values; an error means that the
//     store could not do it. After [ErrConflict] and [ErrBusy] nothing was
//     changed; after any other, nothing is known.
//   - The store is told the time. It never asks a clock of its own, and it
//     may round to milliseconds. The zero time means "never" or "not yet".
//   - Byte slices and structs that are passed in are not kept, those that are
//     returned belong to the caller.
//   - All methods may be called concurrently.
//
// Addresses, devices and peers appear as keys: keyed hashes made by the
// caller. The one place that holds an e-mail address beside the user is a
// mail that still has to be delivered.
package storage
