package auth

import (
	"context"
	"errors"
	"time"
)

// Mailer delivers codes. It is called by [Auth.Run], by several goroutines at
// once, with a context that ends when the attempt has to; a request of a
// client never waits for it.
//
// A nil error means that the mail was handed on. An error that wraps
// [ErrMailRejected], [ErrMailDeferred] or [ErrMailUnknown] says more; after any
// other the mail was certainly not delivered, and is tried again while its code
// lives. After ten such errors in a row no more mails are accepted for a while.
// Errors reach the log: they must not contain the code, and should not contain
// the address.
type Mailer interface {
	// SendCode makes one attempt to deliver m, in the 30 seconds that ctx lasts
	// or less. One that does not return then is left alone, and its mail is
	// treated as with ErrMailUnknown.
	SendCode(ctx context.Context, m CodeMail) error
}

// MailerFunc is a [Mailer] that is a function.
type MailerFunc func(ctx context.Context, m CodeMail) error

// SendCode calls f.
func (f MailerFunc) SendCode(ctx context.Context, m CodeMail) error { return f(ctx, m) }

var (
	// ErrMailRejected says that the mail will never be accepted: it is not
	// tried again.
	ErrMailRejected = errors.New("mail rejected")

	// ErrMailDeferred says that this mail is not accepted for now although the
	// way is open: something is wrong with its recipient. It is tried again,
	// and nothing is concluded about other mails.
	ErrMailDeferred = errors.New("mail deferred")

	// ErrMailUnknown says that the mail may or may not have been accepted: the
	// connection was cut after the text was sent. It is tried once more, with
	// the same MessageID.
	ErrMailUnknown = errors.New("mail may have been delivered")
)

// CodeMail is one code on its way to a mailbox. Nothing in it was typed by
// the client but the address, and that passed a strict grammar.
type CodeMail struct {
	To        string    // the mailbox, ASCII
	Code      string    // 6 or 8 digits, or 10 letters and digits
	ExpiresAt time.Time // of the code
	Language  string    // BCP 47, one of the configured ones
	Product   string    // Config.ProductName
	Host      string    // the host of Config.Issuer, to which phones bind the code
	MessageID string    // without angle brackets; the same for each attempt at this mail
}
