// Package browser holds the tests of the login page in a real browser:
// Chromium, without a window. Each test has a login of its own, in this
// process, and a browser profile of its own; the browser is one process for
// all of them.
//
// With MAILKEY_SCREENSHOTS=directory the pictures that the tests take are kept
// there.
package browser
