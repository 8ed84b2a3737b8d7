package storage

import (
	"context"
	"time"
)

// Mail is a challenge whose code has to be mailed. It holds no code.
type Mail struct {
	Challenge
	To       string // the mailbox
	Language string // of the mail, as asked for
	ClientID string // which client asked for it
	Purpose  string // what the code is for
	Number   int    // counts what was asked for: 1, then one more for each resend
	Try      int    // counts the claims of the challenge, from 1
}

// MailResult is how an attempt to deliver ended.
type MailResult struct {
	RetryAt time.Time // zero: delivered, or given up
	Unknown bool      // with RetryAt: it may have been delivered all the same
}

// Outbox hands mails to delivery workers. The challenge is the outbox entry.
type Outbox interface {
	// ClaimMails returns at most limit mails that are due, oldest first, and
	// hides them until now+lease. A mail is due after it was asked for, at the
	// time it is to be retried, or when a claim ran out without a result (the
	// worker died). Of parallel calls one gets it.
	//
	// Mails whose code is used, expired or lives for less than minLife are
	// dropped. So is a mail of which two attempts ended without anybody knowing how: a
	// reader gets at most one duplicate.
	ClaimMails(ctx context.Context, limit int, lease, minLife time.Duration, now time.Time) ([]Mail, error)

	// FinishMail records how the attempt m ended and forgets the recipient
	// when nothing is left to do. It does nothing when the claim is not m's
	// any more; one that ran out still is, until somebody else has it. A resend
	// asked for meanwhile stays due, and what became of the mail before it does
	// not count against it.
	FinishMail(ctx context.Context, m Mail, r MailResult, now time.Time) error

	// Beat records that some worker is able to deliver now.
	Beat(ctx context.Context, now time.Time) error

	// LastBeat returns the latest time given to Beat; the zero time when there
	// was none.
	LastBeat(ctx context.Context) (time.Time, error)
}
