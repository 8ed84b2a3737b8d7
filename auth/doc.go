// Package auth is a passwordless login for net/http apps: a person solves a
// captcha, gets a code by e-mail, posts it, and has a session and a signed
// id_token.
//
// Make an [Auth] from a [Config], mount it, and let it work in the background:
//
//	a, err := auth.New(auth.Config{
//		Store:   store,  // storage/sqlite
//		Mailer:  mailer, // auth/smtpmailer
//		Secret:  secret, // 32 random bytes
//		Issuer:  "https://app.example",
//		Clients: []auth.Client{{ID: "web", Cookie: true}},
//	})
//	mux.Handle("/api/", a.Handler())
//	mux.Handle("/.well-known/", a.Handler())
//	go a.Run(ctx)
//
// The app's own routes are wrapped with package middleware and ask
// [FromContext] who is calling.
//
// What goes over the wire is that of an existing CIAM API, so its clients work
// unchanged; each endpoint is also a handler of its own, such as
// [Auth.LoginHandler].
//
// # Where to look
//
//   - what can be configured: [Config], [Client], [Limits]
//   - mails: package auth/smtpmailer, or a [Mailer] of the app
//   - a page to log in on: package auth/loginpage
//   - a say for the app: [Config.AllowRegistration], [Config.OnFirstLogin],
//     [Config.OnLogin], [Config.ExtraClaims]
//   - values in a session: [Auth.SessionManager]
//   - administration: [Auth.UserByEmail], [Auth.DisableUser], [Auth.DeleteUser],
//     [Auth.ChangeEmail], [Auth.Sessions], [Auth.RevokeSessions], [Auth.RevokeKeys]
//   - refusals: [Reason]
//   - tests of the app: package auth/authtest
//
// # What it promises
//
// A code has six digits, lives for ten minutes and takes five guesses, each
// counted in the same transaction that would redeem it. It is bound to the
// address, the client and the device that asked for it. It is derived from a
// secret and never stored. Whether an address has an account shows only to
// somebody who can read its mail. An address that collects wrong guesses gets
// longer codes instead of being locked.
//
// # What it does not
//
// A mailbox is one factor, and a weak one: whoever reads the mail is in. It is
// not multi-factor authentication, it does not resist phishing, and NIST SP
// 800-63B does not accept it as an out-of-band authenticator. The captcha is
// friction, not a wall.
package auth
