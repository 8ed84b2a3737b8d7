package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"example.com/mailkey/internal/failpoint"
	"example.com/mailkey/storage"
)

const (
	deliveryPoll    = time.Second      // how late a retry may be
	deliveryTimeout = 30 * time.Second // for one mail
	deliveryOverrun = time.Second      // after that, for a Mailer to return
	deliveryRecord  = 10 * time.Second // after that, to record how it ended
	deliveryMinLife = time.Minute      // a code that lives shorter is not mailed
	deliveryGrace   = 10 * time.Second // for what is being delivered when Run ends

	beatInterval = 10 * time.Second
	beatMaxAge   = 30 * time.Second

	// After that a dead worker's mail is taken over, and before it nobody else's,
	// by whatever clock.
	deliveryLease = deliveryTimeout + deliveryOverrun + deliveryRecord + clockSkew

	circuitFailures = 10 // in a row, until the relay is left alone
	circuitPause    = 15 * time.Second
)

// retryDelays are the waits after the first, second, … attempt at a mail.
var retryDelays = []time.Duration{5 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute}

var (
	errNotDelivering = errors.New("nobody works off the outbox: call Auth.Run in this or another process")
	errRelayFailing  = errors.New("the mail relay has been failing")
)

// delivery is the state of this process's delivery.
type delivery struct {
	wake    chan struct{} // with room for one
	running atomic.Int32  // calls of Run
	beatAt  atomic.Int64  // the last beat seen of other processes, Unix milliseconds

	mu        sync.Mutex
	failures  int       // in a row
	openUntil time.Time // the circuit: until then the relay is left alone
}

// kick makes the worker look into the outbox now.
func (d *delivery) kick() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// circuitWait is how long the relay is left alone.
func (d *delivery) circuitWait(now time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return max(0, d.openUntil.Sub(now))
}

// record opens the circuit after many failures in a row. When the pause is
// over, one more failure opens it again. What has to do with the recipient
// alone says nothing about the relay.
func (d *delivery) record(err error, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		d.failures = 0
	case errors.Is(err, ErrMailRejected), errors.Is(err, ErrMailDeferred):
	default:
		if d.failures++; d.failures >= circuitFailures {
			d.openUntil = now.Add(circuitPause)
		}
	}
}

// deliverable refuses to accept a mail that nobody would deliver.
func (a *Auth) deliverable(c *call) error {
	d := &a.delivery
	if d.running.Load() > 0 {
		if wait := d.circuitWait(c.now); wait > 0 {
			return notSent(wait, errRelayFailing)
		}
		return nil
	}
	// Another process may deliver: it leaves a sign in the store.
	at := time.UnixMilli(d.beatAt.Load())
	if c.now.Sub(at) > beatMaxAge/2 {
		var err error
		if at, err = a.config.Store.LastBeat(c.ctx); err != nil {
			return busy("look for a delivery worker", err)
		}
		d.beatAt.Store(at.UnixMilli())
	}
	if c.now.Sub(at) > beatMaxAge {
		return notSent(beatMaxAge, errNotDelivering)
	}
	return nil
}

// deliver works off the outbox until ctx ends, and then lets what is being
// delivered come to its end.
func (a *Auth) deliver(ctx context.Context) {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var workers sync.WaitGroup

	places := seats{freed: a.delivery.kick}
	poll := time.NewTicker(deliveryPoll)
	defer poll.Stop()
	for {
		for _, m := range a.claim(ctx, places.free()) {
			leave := places.take()
			workers.Go(func() {
				defer leave()
				defer a.contain()
				a.deliverOne(sending, m)
			})
		}
		select {
		case <-ctx.Done():
			grace := time.AfterFunc(deliveryGrace, cancel)
			defer grace.Stop()
			workers.Wait()
			return
		case <-a.delivery.wake:
		case <-poll.C:
		}
	}
}

// claim takes as many due mails as there are free seats.
func (a *Auth) claim(ctx context.Context, limit int) []storage.Mail {
	defer a.contain()
	if limit == 0 {
		return nil
	}
	now := failpoint.Now()
	if a.delivery.circuitWait(now) > 0 || a.inService() != nil {
		return nil
	}
	mails, err := a.config.Store.ClaimMails(ctx, limit, deliveryLease, deliveryMinLife, now)
	if err != nil && ctx.Err() == nil {
		a.config.Logger.Error("the outbox cannot be read", "cause", err)
	}
	return mails
}

// deliverOne makes one attempt at a mail and records how it ended.
func (a *Auth) deliverOne(ctx context.Context, m storage.Mail) {
	mail, err := a.codeMail(m)
	if err == nil {
		err = failpoint.Hit("mail: claimed")
	}
	if err == nil {
		err = a.mail(ctx, mail)
	}
	if err == nil {
		err = failpoint.Hit("mail: delivered")
	}
	now := failpoint.Now()
	a.delivery.record(err, now)

	result := storage.MailResult{}
	if err != nil && !errors.Is(err, ErrMailRejected) {
		result.RetryAt = now.Add(retryDelays[min(m.Try, len(retryDelays))-1])
		result.Unknown = errors.Is(err, ErrMailUnknown)
	}
	if err != nil {
		a.config.Logger.Warn("a mail was not delivered", "message_id", mail.MessageID, "try", m.Try,
			"retry", !result.RetryAt.IsZero(), "cause", err)
	}
	if err := a.finishMail(ctx, m, result, now); err != nil {
		a.config.Logger.Error("the end of a delivery was not recorded", "message_id", mail.MessageID, "cause", err)
	}
}

// finishMail records how a delivery ended, in several attempts and whatever
// happens to ctx: what is not recorded is mailed twice.
func (a *Auth) finishMail(ctx context.Context, m storage.Mail, r storage.MailResult, now time.Time) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deliveryRecord)
	defer cancel()
	for wait := time.Second; ; wait *= 2 {
		err := a.config.Store.FinishMail(ctx, m, r, now)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// mail calls the host's Mailer, but waits no longer than it may take.
func (a *Auth) mail(ctx context.Context, m CodeMail) error {
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	sent := aside(func() (struct{}, error) { return struct{}{}, a.config.Mailer.SendCode(ctx, m) })
	select {
	case r := <-sent:
		return r.err
	case <-ctx.Done():
	}
	select {
	case r := <-sent:
		return r.err
	case <-time.After(deliveryOverrun):
		return fmt.Errorf("%w: Mailer.SendCode did not return when its context ended", ErrMailUnknown)
	}
}

// codeMail makes the code again, for its mail.
func (a *Auth) codeMail(m storage.Mail) (CodeMail, error) {
	mail := CodeMail{
		To: m.To, ExpiresAt: m.ExpiresAt, Language: m.Language,
		Product: a.config.ProductName, Host: a.issuer.Hostname(), MessageID: a.messageID(m),
	}
	for _, s := range a.secrets {
		if s.id == m.SecretID {
			mail.Code = deriveCode(s.code, m.Binding, m.Challenge)
			return mail, nil
		}
	}
	return mail, fmt.Errorf("%w: its code was made with a Secret that is not configured any more", ErrMailRejected)
}

// messageID is the same for each attempt at a mail, and another for a resend,
// which mail programs would otherwise drop as a duplicate.
func (a *Auth) messageID(m storage.Mail) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%x/%d", m.ID, m.Number))
	return base64.RawURLEncoding.EncodeToString(sum[:16]) + "@" + a.issuer.Hostname()
}
