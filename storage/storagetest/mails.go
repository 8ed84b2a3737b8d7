package storagetest

import (
	"cmp"
	"fmt"
	"time"

	"example.com/mailkey/storage"
)

var delivered = storage.MailResult{}

func failed(retry time.Duration) storage.MailResult {
	return storage.MailResult{RetryAt: at(retry)}
}

func unknown(retry time.Duration) storage.MailResult {
	return storage.MailResult{RetryAt: at(retry), Unknown: true}
}

// mail is what the outbox holds after the visitor asked.
func mail(v visitor, number, try int) storage.Mail {
	return storage.Mail{
		Challenge: of(v),
		To:        "To." + v.email,
		Language:  "zh-Hant",
		ClientID:  v.client,
		Purpose:   "login",
		Number:    number,
		Try:       try,
	}
}

func (w *scene) finish(m storage.Mail, r storage.MailResult, now time.Duration) error {
	return w.FinishMail(w.ctx, m, r, at(now))
}

// delivers claims the one mail that is due, checks it, and finishes it.
func (w *scene) delivers(now time.Duration, want storage.Mail, r storage.MailResult) error {
	mails, err := w.ClaimMails(w.ctx, room, lease, 0, at(now))
	return cmp.Or(
		value(mails, err).is([]storage.Mail{want}),
		w.FinishMail(w.ctx, want, r, at(now)),
	)
}

// pending checks how many mails wait, by asking for one more and dropping it.
func (w *scene) pending(now time.Duration, want int) error {
	w.probes++
	probe := visitor{email: fmt.Sprint("probe ", w.probes), asked: now}
	drop := probe.guess(true, now)
	drop.Refuse = true
	if want > 0 {
		if err := w.asksFor(probe, want).is(storage.CodeRequested{Full: true}); err != nil {
			return err
		}
	}
	return cmp.Or(
		w.asksFor(probe, want+1).is(storage.CodeRequested{ExpiresAt: at(now + lifetime)}),
		w.redeem(drop, now).is(storage.Redeemed{Result: storage.GuessRefused}),
	)
}
