package cluster

import (
	"testing"

	"example.com/mailkey/internal/torture"
)

// A login takes four requests, and each of them may reach another instance.
func TestAbuse_A18_eachStepAtAnotherInstance(t *testing.T) {
	t.Parallel()
	c := standing(t)
	one, two, three := c.instances[0].url(), c.instances[1].url(), c.instances[2].url()
	d, address := newDevice(one), newAddress()

	puzzle := d.puzzle(t, address)
	ticket := d.at(two).do(t, "POST", verifyPath, puzzle, ok).field("captcha_token")
	d.at(three).do(t, "POST", verifyPath, puzzle, badTicket)

	send := map[string]string{"email": address, "type": "LOGIN_EMS", "captcha_token": ticket}
	d.at(three).do(t, "POST", sendPath, send, ok)
	d.at(one).do(t, "POST", sendPath, send, badTicket)

	login := map[string]string{"email": address, "verify_code": c.relay.Next(t, address).Code(t)}
	d.session = d.at(two).do(t, "POST", loginPath, login, ok).field("session_token")
	for _, url := range []string{one, two, three} {
		d.at(url).do(t, "GET", sessionsPath, nil, ok)
	}
}

// All instances get the right answer to a captcha, and all of them the ticket,
// at once: one of each counts.
func TestAbuse_A04_oneTicketAndOneMailAcrossInstances(t *testing.T) {
	t.Parallel()
	c := standing(t)
	for range torture.Rounds(3, 100) {
		d, address := newDevice(c.instances[0].url()), newAddress()
		verified := c.atOnce(t, 50, d, "POST", verifyPath, d.puzzle(t, address))
		granted := only(t, verified, badTicket)
		send := map[string]string{"email": address, "type": "LOGIN_EMS", "captcha_token": granted.field("captcha_token")}
		only(t, c.atOnce(t, 50, d, "POST", sendPath, send), badTicket)
		c.oneMail(t, address)
	}
}
