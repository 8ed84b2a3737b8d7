// Package integration holds the tests that need more than the library: a
// mail server, other routers, the example as a process of its own.
package integration

import (
	_ "example.com/mailkey/auth"
	_ "github.com/coreos/go-oidc/v3/oidc"
	_ "github.com/emersion/go-sasl"
	_ "github.com/emersion/go-smtp"
	_ "github.com/go-chi/chi/v5"
)
