package auth

import (
	"net/http"
	"net/netip"
	"time"

	"example.com/mailkey/storage"
)

// Limits bound what one peer, device or address may do. They hold for all
// instances together. A peer is an IPv4 address or a /64 of IPv6; the /24 or
// /48 that it belongs to may do ten times as much. They do not make guessing
// safe (the codes themselves do) but keep the flood off the mailboxes and the
// server. In each field, the zero value is the default.
type Limits struct {
	Captcha       Rate // captchas and their audio, per peer. Default: 30 in a minute
	VerifyCaptcha Rate // answers to captchas, per peer. Default: 20 in a minute
	WrongCaptcha  Rate // wrong answers per peer, which then pauses for as long. Default: 10 in 10 minutes
	SendCode      Rate // mails per peer. Default: 10 in 10 minutes
	SendCodeLong  Rate // mails per peer over a longer time. Default: 60 in an hour
	Login         Rate // logins tried per peer. Default: 30 in 5 minutes

	SendCodeDevice Rate // mails per device and address. Default: 10 in an hour
	LoginDevice    Rate // logins tried per device and address. Default: 30 in 5 minutes
	Refresh        Rate // id_tokens signed for one session. Default: 60 in 5 minutes

	// Address bounds what may happen to one address, whoever does it. Default:
	// those of storage.AddressLimits, field by field.
	Address storage.AddressLimits

	// MaxPendingMails is how many mails may wait in the outbox. The last tenth is
	// for devices that logged in to their address before. Default: 1000 (1 to
	// 1000000).
	MaxPendingMails int
}

// Rate allows Count in each Per: all at once, then one after each Per/Count.
type Rate struct {
	Count int           // how often: 1 to 1000000
	Per   time.Duration // in how long: at least 10 ms for each of Count
}

// networkFactor is how much more a network may do than one of its hosts.
const networkFactor = 10

const maxCount = 1_000_000

func (l *Limits) complete(wrong func(string, ...any)) {
	for _, r := range []struct {
		name      string
		rate      *Rate
		byDefault Rate
	}{
		{"Captcha", &l.Captcha, Rate{30, time.Minute}},
		{"VerifyCaptcha", &l.VerifyCaptcha, Rate{20, time.Minute}},
		{"WrongCaptcha", &l.WrongCaptcha, Rate{10, 10 * time.Minute}},
		{"SendCode", &l.SendCode, Rate{10, 10 * time.Minute}},
		{"SendCodeLong", &l.SendCodeLong, Rate{60, time.Hour}},
		{"Login", &l.Login, Rate{30, 5 * time.Minute}},
		{"SendCodeDevice", &l.SendCodeDevice, Rate{10, time.Hour}},
		{"LoginDevice", &l.LoginDevice, Rate{30, 5 * time.Minute}},
		{"Refresh", &l.Refresh, Rate{60, 5 * time.Minute}},
	} {
		if *r.rate == (Rate{}) {
			*r.rate = r.byDefault
		}
		if c := r.rate.Count; c < 1 || c > maxCount || r.rate.Per < time.Duration(c*networkFactor)*time.Millisecond {
			wrong("Limits.%s: %d in %v is not a rate of at least 1 and at most 100 a second", r.name, c, r.rate.Per)
		}
	}
	a := &l.Address
	bounded(&a.Cooldown, time.Minute, time.Second, time.Hour, "Limits.Address.Cooldown", wrong)
	bounded(&a.PerHour, 5, 1, 1000, "Limits.Address.PerHour", wrong)
	bounded(&a.PerDay, 10, 1, 1000, "Limits.Address.PerDay", wrong)
	bounded(&a.StrangersPerHour, min(3, a.PerHour), 1, a.PerHour, "Limits.Address.StrangersPerHour", wrong)
	bounded(&a.StrangersPerDay, min(6, a.PerDay), 1, a.PerDay, "Limits.Address.StrangersPerDay", wrong)
	bounded(&a.GuessesPerCode, 5, 1, 5, "Limits.Address.GuessesPerCode", wrong)
	bounded(&a.Level1After, 50, 1, 50, "Limits.Address.Level1After", wrong)
	bounded(&a.Level2After, 4050, a.Level1After, 4050, "Limits.Address.Level2After", wrong)
	bounded(&a.StrangerGuessesPerDay, 25, 1, 1000, "Limits.Address.StrangerGuessesPerDay", wrong)
	bounded(&a.FirstWait, 30*time.Second, time.Second, time.Hour, "Limits.Address.FirstWait", wrong)
	bounded(&a.LastWait, time.Hour, a.FirstWait, 24*time.Hour, "Limits.Address.LastWait", wrong)
	bounded(&l.MaxPendingMails, 1000, 1, 1_000_000, "Limits.MaxPendingMails", wrong)
}

// limit is the part of a rate that one key may use.
func (r Rate) limit(key []byte, factor int) storage.Limit {
	return storage.Limit{Key: key, Count: r.Count * factor, Window: r.Per}
}

// namedRate is a field of Limits: what is counted under which name.
type namedRate struct {
	name string
	rate func(*Limits) Rate
}

// peerLimits are the limits of a peer and of its network.
func (a *Auth) peerLimits(peer netip.Addr, rates []namedRate) []storage.Limit {
	host, network := hostAndNetwork(peer)
	var limits []storage.Limit
	for _, r := range rates {
		rate := r.rate(&a.config.Limits)
		limits = append(limits,
			rate.limit(a.limitKey(r.name, "host", host.String()), 1),
			rate.limit(a.limitKey(r.name, "network", network.String()), networkFactor))
	}
	return limits
}

// limitKey is what is counted under a name, of a peer, a flow or a session. Keys
// of one of them begin alike, so that a login finds its dozen limits on a few
// pages of the database.
func (a *Auth) limitKey(name, kind, of string) []byte {
	return append(a.keys.pseudonym("limit", kind, of), name...)
}

// takeLimits refuses the request when one of the limits is used up.
func (a *Auth) takeLimits(c *call, limits ...storage.Limit) error {
	wait, err := a.config.Store.TakeLimits(c.ctx, c.now, limits...)
	if err != nil {
		return busy("take limits", err)
	}
	if wait > 0 {
		return limited(wait)
	}
	return nil
}

// wrongCaptchaPause refuses a peer that gave too many wrong answers.
func (a *Auth) wrongCaptchaPause(c *call) storage.Limit {
	host, _ := hostAndNetwork(c.peer)
	return storage.Limit{
		Key:   a.limitKey("captcha pause", "host", host.String()),
		Count: 1, Window: a.config.Limits.WrongCaptcha.Per,
	}
}

// countWrongCaptcha starts the pause with the last wrong answer of the rate.
func (a *Auth) countWrongCaptcha(c *call) error {
	host, _ := hostAndNetwork(c.peer)
	wrong := a.config.Limits.WrongCaptcha.limit(a.limitKey("captcha wrong", "host", host.String()), 1)
	pause := a.wrongCaptchaPause(c)
	if wrong.Count > 1 {
		wrong.Count--
		wait, err := a.config.Store.TakeLimits(c.ctx, c.now, wrong)
		if err != nil {
			return busy("count a wrong captcha", err)
		}
		if wait == 0 {
			return nil
		}
	}
	wait, err := a.config.Store.TakeLimits(c.ctx, c.now, pause)
	if err != nil {
		return busy("pause a peer", err)
	}
	if wait > 0 { // others of its answers came at the same time
		return limited(wait)
	}
	return nil
}

// retryAfter is the wait in whole seconds, rounded up to ten and jittered up
// by at most a fifth, so that those who wait do not come back all at once.
func retryAfter(wait time.Duration) int {
	const step = 10 * time.Second
	wait = (wait + step - 1) / step * step
	jitter := wait / 5 * time.Duration(randomBytes(1)[0]) / 256
	return int((wait + jitter) / time.Second)
}

// crossOrigin refuses requests that a page of another origin made a browser
// send. Requests of programs, which send neither Origin nor Sec-Fetch-Site,
// pass.
func crossOrigin(p *http.CrossOriginProtection, r *http.Request) error {
	if err := p.Check(r); err != nil {
		return &failure{reason: ReasonCrossOrigin}
	}
	return nil
}
