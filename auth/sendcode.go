package auth

import (
	"fmt"
	"time"

	"example.com/mailkey/internal/failpoint"
	"example.com/mailkey/storage"
)

// The one type of code there is: for logging in. It is the purpose that codes
// are bound to.
const purposeLogin = "LOGIN_EMS"

// sendCode has a code mailed. What it does and answers is the same whether or
// not the address has an account.
func (a *Auth) sendCode(c *call) error {
	addr, err := c.readAddress("email")
	if err != nil {
		return err
	}
	if c.body["type"] != purposeLogin {
		return refuse(ReasonCodeType)
	}
	if err := a.spendTicket(c, addr); err != nil {
		return err
	}
	if err := failpoint.Hit("send: ticket spent"); err != nil {
		return err
	}
	if err := a.deliverable(c); err != nil {
		return err
	}
	flow := a.who(c, addr, purposeLogin)
	if err := a.takeLimits(c, a.config.Limits.SendCodeDevice.limit(a.limitKey("send", "flow", string(flow.binding)), 1)); err != nil {
		return err
	}
	minLevel, err := a.minLevel(c.ctx, c.now)
	if err != nil {
		return busy("look at the failures", err)
	}
	requested, err := a.config.Store.RequestCode(c.ctx, storage.CodeRequest{
		Binding: flow.binding, Address: flow.address, Device: flow.device,
		Email: addr.folded, MailTo: addr.typed, Language: a.catalog.languages[c.lang], ClientID: c.client.ID, Purpose: purposeLogin,
		ChallengeID: randomBytes(16), SecretID: a.secrets[0].id, MinLevel: minLevel, Lifetime: codeLifetime,
		UserID: newUserID(), MaxPending: a.config.Limits.MaxPendingMails,
	}, a.config.Limits.Address, c.now)
	switch {
	case err != nil:
		return busy("request a code", err)
	case requested.Full:
		return notSent(time.Minute, fmt.Errorf("the outbox is full: Limits.MaxPendingMails is %d", a.config.Limits.MaxPendingMails))
	case requested.Wait > 0:
		return limited(requested.Wait)
	}
	if err := failpoint.Hit("send: accepted"); err != nil {
		return err
	}
	a.delivery.kick()
	return c.reply(struct {
		Expire      int `json:"expire"`       // seconds
		ResendAfter int `json:"resend_after"` // seconds
	}{
		Expire:      wholeSeconds(requested.ExpiresAt.Sub(c.now)),
		ResendAfter: wholeSeconds(requested.NextIn),
	})
}

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

func notSent(wait time.Duration, cause error) error {
	return &failure{reason: ReasonNotSent, cause: cause, wait: wait}
}

// newUserID is random and says nothing: the sub of the id_tokens.
func newUserID() string { return "u_" + randomToken(16) }
