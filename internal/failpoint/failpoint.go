// Package failpoint makes a program fail at a chosen place, so that tests can
// watch what becomes of a login that is cut in two. A place is marked with
//
//	if err := failpoint.Hit("redeem: counted"); err != nil {
//		return err
//	}
//
// and does nothing, at no cost, unless the program was built with the tag
// failpoints and the environment names the place:
//
//	MAILKEY_FAILPOINTS='redeem: counted=kill@3; outbox: claimed=sleep 2s'
//
// kills the process when it comes there for the third time, and lets it wait at
// another place each time. The modes are error, panic, kill and sleep with a
// duration; without @n the place fails each time, with @n the n-th time alone.
// MAILKEY_CLOCK=-2m makes the clock of such a program wrong. A program that is
// made for tests can change both while it runs.
package failpoint
