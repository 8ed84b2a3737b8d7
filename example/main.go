// Command example is a server with nothing but a login in it: the whole of
// mailkey in one process, and a page to try it by hand.
//
//	go run ./example
//
// serves at once, without any configuration: mails appear in the terminal and
// at /dev/mail. With -smtp it mails for real. Every flag is an environment
// variable, too: -trusted-proxies is MAILKEY_TRUSTED_PROXIES; the flag wins.
//
// Read internal/server/server.go first: it is what an app of your own needs.
package main

import "example.com/mailkey/example/internal/server"

func main() { server.Main() }
