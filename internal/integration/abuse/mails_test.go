package abuse

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/internal/integration/program"
	"example.com/mailkey/internal/torture"
)

// One mailbox has one limit, however its address is written: what is another
// spelling of it shares that, and what might be one is refused. Who has many
// addresses of one mailbox meets the limit of a peer.
func TestAbuse_B02_spellings(t *testing.T) {
	t.Parallel()
	house.OnEachStore(t, 1, nil, func(h *house.House) {
		local, domain, _ := strings.Cut(house.Person(), "@")
		email := local + "@" + domain
		h.Do(house.Send(email, h.Ticket(email)))
		before := rows(h)
		for _, same := range []string{strings.ToUpper(email), strings.ToUpper(local) + "@" + domain, local + "@" + strings.ToUpper(domain), "A" + email[1:]} {
			h.Refused(house.Send(same, h.Ticket(same)), auth.ReasonLimit, same)
		}
		wantRows(h, before, "limits")
		for _, odd := range []string{
			email + ".", email + " ", " " + email, local + " @" + domain, local + ".@" + domain, local + "..x@" + domain, "." + email,
			local + "%40" + domain, `"` + local + `"@` + domain, "<" + email + ">", local + "@" + domain + "..", local + "@b\u00fc.example", local + "\u200b@" + domain, local + "@\uff42.example",
		} {
			h.Refused(house.Send(odd, "x"), auth.ReasonEmail, odd)
			h.Refused(house.Verify("x", "x", odd), auth.ReasonEmail, odd)
		}

		limited := 0
		for i := range 12 {
			tagged := fmt.Sprintf("%s+%d@%s", local, i, domain)
			request := by("192.0.2.1", house.Send(tagged, h.Ticket(tagged)))
			if a := h.Call(request); a.Status == 429 {
				limited++
			} else if a.Status != 200 {
				h.Errorf("%s: %s", tagged, a.Body)
			}
		}
		if limited != 2 {
			h.Errorf("of 12 mails to tags of one mailbox %d were refused to one peer, want 2", limited)
		}
	})
}

// A mail has one recipient: whatever might be read as more is none.
func TestAbuse_B03_moreThanOne(t *testing.T) {
	t.Parallel()
	house.OnEachStore(t, 1, nil, func(h *house.House) {
		before := rows(h)
		for _, row := range []struct {
			value string
			want  auth.Reason
		}{
			{`["v@b.example","a@c.example"]`, auth.ReasonMalformed},
			{`["v@b.example"]`, auth.ReasonMalformed},
			{`{"0":"v@b.example"}`, auth.ReasonMalformed},
			{`{"email":"v@b.example"}`, auth.ReasonMalformed},
			{`[["v@b.example"]]`, auth.ReasonMalformed},
			{`"v@b.example","email":"a@c.example"`, auth.ReasonMalformed},
			{`"v@b.example","sender":"a@c.example","email":"a@c.example"`, auth.ReasonMalformed},
			{`"v@b.example,a@c.example"`, auth.ReasonEmail},
			{`"v@b.example;a@c.example"`, auth.ReasonEmail},
			{`"v@b.example a@c.example"`, auth.ReasonEmail},
			{`"v@b.example\ta@c.example"`, auth.ReasonEmail},
			{`"v@b.example\r\na@c.example"`, auth.ReasonEmail},
			{`"v@b.example|a@c.example"`, auth.ReasonEmail},
			{`"v@b.example%0Aa@c.example"`, auth.ReasonEmail},
			{`"v@b.example@c.example"`, auth.ReasonEmail},
			{`"v@b.example?cc=a@c.example"`, auth.ReasonEmail},
			{`"[\"v@b.example\",\"a@c.example\"]"`, auth.ReasonEmail},
		} {
			h.Refused(withBody(house.Send("", ""), `{"type":"LOGIN_EMS","captcha_token":"x","email":`+row.value+`}`), row.want, row.value)
			h.Refused(withBody(house.Guess("", ""), `{"verify_code":"123456","email":`+row.value+`}`), row.want, row.value)
			h.Refused(withBody(house.Verify("", "", ""), `{"token":"x","captcha_code":"x","sender":`+strings.ReplaceAll(row.value, `"email"`, `"sender"`)+`}`), row.want, row.value)
		}
		wantRows(h, before, "limits")
		wantMailed(h)
	})
}

// Strangers with solved captchas and any number of addresses fill the outbox
// while the relay is slow. That is told in the log, and devices that logged in
// before still get their codes, while nothing of what was accepted is lost.
func TestAbuse_B10_fullOutbox(t *testing.T) {
	t.Parallel()
	var relay *gate
	var logs *program.Output
	house.OnEachStore(t, 1, func(c *auth.Config) {
		relay, logs = &gate{Mailer: c.Mailer}, program.NewOutput()
		c.Mailer, c.Limits.MaxPendingMails, c.Logger = relay, 20, slog.New(slog.NewTextHandler(logs, nil))
	}, func(h *house.House) {
		friend := house.Person()
		h.SignedIn(friend)
		open := relay.close()
		for range 18 {
			email := house.Person()
			h.Do(house.Send(email, h.Ticket(email)))
		}
		stranger := house.Person()
		a := h.Call(house.Send(stranger, h.Ticket(stranger)))
		if house.Code(h, a) != string(auth.ReasonNotSent) || a.Header.Get("Retry-After") == "" {
			h.Errorf("the nineteenth mail: %d %s", a.Status, a.Body)
		}
		const other = "another device"
		h.Refused(on(other, house.Send(friend, ticketOn(h, other, friend))), auth.ReasonNotSent, "a stranger at the friend's address")
		h.Do(house.Send(friend, h.Ticket(friend)))
		if !strings.Contains(logs.String(), "the outbox is full") {
			h.Errorf("the log says nothing of it:\n%s", logs)
		}

		open()
		h.Mails.Wait(h, friend, 2)
		wait(h, func() bool { return len(h.Mails.Addresses()) == 19 }) // the friend, and 18 others
	})
}

// gate is a relay that can be slow.
type gate struct {
	auth.Mailer
	mu   sync.Mutex
	shut chan struct{} // nil: open
}

// close keeps mails waiting until open is called.
func (g *gate) close() (open func()) {
	shut := make(chan struct{})
	g.set(shut)
	return func() { g.set(nil); close(shut) }
}

func (g *gate) set(shut chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
}

func (g *gate) SendCode(ctx context.Context, m auth.CodeMail) error {
	g.mu.Lock()
	shut := g.shut
	g.mu.Unlock()
	if shut != nil {
		select {
		case <-shut:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return g.Mailer.SendCode(ctx, m)
}

// Whoever has codes sent to an address again and again, from other devices, and
// guesses at them, does not touch the code that the owner waits for.
func TestAbuse_B14_resends(t *testing.T) {
	t.Parallel()
	house.OnEachStore(t, 1, patient, func(h *house.House) {
		email := house.Person()
		code := h.Mailed(email)
		expires := h.Mails.Wait(h, email, 1).ExpiresAt
		for i := range 2 {
			stranger := fmt.Sprint("stranger ", i)
			eventually(h, func() burst.Answer { return h.Call(on(stranger, house.Send(email, ticketOn(h, stranger, email)))) })
			theirs := h.Mails.Wait(h, email, i+2)
			if theirs.ExpiresAt.Equal(expires) {
				h.Error("the stranger got the owner's code")
			}
			for n := range 5 {
				h.Refused(on(stranger, house.Guess(email, house.Wrong(theirs.Code, n))), auth.ReasonCode, "a stranger's guess")
			}
		}
		if a := h.Call(house.Guess(email, code)); house.Code(h, a) != house.OK {
			h.Errorf("the owner's code after strangers asked for others: %s", a.Body)
		}
	})
}

// ticketOn is a captcha_token for another device.
func ticketOn(h *house.House, device, email string) string {
	h.Helper()
	token, answer := h.Puzzle()
	return house.Field(h, h.Do(on(device, house.Verify(token, answer, email))), "captcha_token")
}

// eventually makes a request until it is not refused for coming too soon.
func eventually(h *house.House, call func() burst.Answer) {
	h.Helper()
	wait(h, func() bool {
		a := call()
		if a.Status != 200 && a.Status != 429 {
			h.Fatalf("%d %s", a.Status, a.Body)
		}
		return a.Status == 200
	})
}

// wait waits for what goes on in the background.
func wait(h *house.House, is func() bool) {
	h.Helper()
	patience := time.Duration(torture.Rounds(1, 10)) * time.Minute
	for deadline := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.Fatal("it does not happen")
		}
	}
}
