package abuse

import (
	"context"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/smtpmailer"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/internal/integration/smtpd"
)

// relayed is a configuration that mails over SMTP, and the server that it names.
func relayed(t *testing.T, dialed func(addr string)) (*smtpd.Server, func(*auth.Config)) {
	t.Helper()
	server := smtpd.New(t, smtpd.Config{})
	mailer, err := smtpmailer.New(smtpmailer.Config{
		URL: server.URL(), From: "login@house.example",
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialed(addr)
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return server, func(c *auth.Config) { c.Mailer = mailer }
}

// Mail goes to the relay that is configured, whatever the address says, and
// addresses of machines are none.
func TestAbuse_B06_whereMailGoes(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var dialed []string
	server, change := relayed(t, func(addr string) {
		mu.Lock()
		defer mu.Unlock()
		dialed = append(dialed, addr)
	})
	h := house.Open(t, house.SQLite(t), 1, change)
	for _, email := range []string{
		"a@localhost", "a@[127.0.0.1]", "a@127.0.0.1", "a@[IPv6:::1]", "a@::1", "a@2130706433", "a@0x7f000001", "a@127.1", "a@localhost.", "a@internal", "a@mail",
		"root", "@localhost", "a@", "a@.", "a@localhost:25", "a@relay.example:2525", "a@host/path", "a@http://169.254.169.254", "a@b.example@127.0.0.1", "a%b.example@localhost",
		"a@b.1", "a@10.0.0.1.", "a@[tag:x]", "/var/mail/root", "|sh@b.example|", "a@b..example", "a@-b.example", "a@b-.example",
	} {
		h.Refused(house.Send(email, "x"), auth.ReasonEmail, email)
		h.Refused(house.Verify("x", "x", email), auth.ReasonEmail, email)
	}
	if mu.Lock(); dialed != nil {
		t.Errorf("%q were dialed", dialed)
	}
	mu.Unlock()

	// What may be somebody's is the relay's to know.
	for _, email := range []string{"a@localhost.localdomain", "a@metadata.internal", "a@127.0.0.1.nip.example", "a@xn--bcher-kva.example", "root@intranet.corp"} {
		h.Do(house.Send(email, h.Ticket(email)))
		if m := server.Next(t, email); !slices.Equal(m.To, []string{email}) {
			t.Errorf("the mail to %s went to %q", email, m.To)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, addr := range dialed {
		if addr != server.Addr() {
			t.Errorf("%s was dialed, want the relay", addr)
		}
	}
}

// What a request says about where it went to is in no mail: that knows the
// configuration alone.
func TestAbuse_B09_poisonedHosts(t *testing.T) {
	t.Parallel()
	server, change := relayed(t, func(string) {})
	h := house.Open(t, house.SQLite(t), 1, change)
	mailed := func(poison func(burst.Request) burst.Request) (header, text, html string) {
		email := house.Person()
		h.Do(poison(house.Send(email, h.Ticket(email))))
		m := server.Next(t, email)
		fields, parts := m.Parse(t)
		for _, name := range []string{"From", "Subject", "Auto-Submitted"} {
			header += name + ": " + strings.Join(fields[name], ",") + "\n"
		}
		_, host, _ := strings.Cut(fields.Get("Message-Id"), "@")
		if strings.Contains(strings.ToLower(string(m.Raw)), "evil") || len(parts) != 2 {
			t.Errorf("the mail is\n%s", m.Raw)
		}
		code := m.Code(t)
		return header + host, strings.ReplaceAll(m.Text(t), code, "CODE"), strings.ReplaceAll(m.HTML(t), code, "CODE")
	}
	wantHeader, wantText, wantHTML := mailed(func(r burst.Request) burst.Request { return r })
	if !strings.Contains(wantText, "@house.example #CODE") {
		t.Errorf("the mail is\n%s", wantText)
	}
	poisons := map[string]func(burst.Request) burst.Request{
		"Host": func(r burst.Request) burst.Request { r.Path = "http://evil.example" + r.Path; return r },
	}
	for name, value := range map[string]string{
		"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example;proto=http;for=192.0.2.1", "X-Forwarded-Proto": "evil", "X-Forwarded-Server": "evil.example",
		"X-Host": "evil.example", "X-Original-Host": "evil.example", "X-Original-Url": "/evil", "X-Rewrite-Url": "//evil.example/", "X-Forwarded-Prefix": "/evil",
		"X-Http-Host-Override": "evil.example", "Referer": "https://evil.example/", "X-Agent": "https://evil.example/", "X-Operating-Sys-Version": `<a href="//evil.example">`,
		"X-Device-Ip": "203.0.113.1",
	} {
		poisons[name] = func(r burst.Request) burst.Request { return house.With(r, name, value) }
	}
	for name, poison := range poisons {
		if header, text, html := mailed(poison); header != wantHeader || text != wantText || html != wantHTML {
			t.Errorf("%s changes the mail to\n%s\n%s\n%s", name, header, text, html)
		}
	}
}

// What the relay says about a mailbox is told to nobody: an address that it does
// not take looks like one that it takes, and does not stop the mails to others.
func TestAbuse_B16_rejectedMailboxes(t *testing.T) {
	t.Parallel()
	for _, db := range []func(*testing.T) house.Database{house.SQLite, house.Postgres} {
		server, change := relayed(t, func(string) {})
		h := house.Open(t, db(t), 1, change)
		good := house.Person()
		want := h.Do(house.Send(good, h.Ticket(good)))
		server.Next(t, good)
		wantAgain := h.Call(house.Send(good, h.Ticket(good)))

		for _, reply := range []smtpd.Action{
			smtpd.Reply(550, "5.1.1 no such user"), smtpd.Reply(551, "5.1.6 moved"), smtpd.Reply(553, "5.1.3 bad mailbox"), smtpd.Reply(554, "5.7.1 rejected"),
			smtpd.Reply(556, "5.1.10 null MX"), smtpd.Reply(521, "5.3.2 accepts no mail"), smtpd.Reply(552, "5.2.2 full"),
		} {
			server.Always(smtpd.RCPT, reply)
			for range 3 {
				bad := house.Person()
				wantAlike(h, h.Call(house.Send(bad, h.Ticket(bad))), want)
				wait(h, func() bool {
					return slices.ContainsFunc(server.Transcript(), func(line string) bool { return strings.Contains(line, "<"+bad+">") })
				})
				wantAlike(h, h.Call(house.Send(bad, h.Ticket(bad))), wantAgain)
				h.Refused(house.Guess(bad, "123456"), auth.ReasonCode, "a guess")
			}
		}
		server.Always(smtpd.RCPT, smtpd.Pass())
		next := house.Person()
		wantAlike(h, h.Call(house.Send(next, h.Ticket(next))), want)
		server.Next(t, next)
	}
}

// wantAlike compares all that a client sees but what is random.
func wantAlike(h *house.House, got, want burst.Answer) {
	h.Helper()
	got.Header, want.Header = got.Header.Clone(), want.Header.Clone()
	if (got.Header.Get("Retry-After") == "") != (want.Header.Get("Retry-After") == "") {
		h.Errorf("Retry-After: %q, want %q", got.Header, want.Header)
	}
	for _, a := range []burst.Answer{got, want} {
		a.Header.Del("Date")
		a.Header.Del("Retry-After") // jittered
	}
	if got.Status != want.Status || got.Body != want.Body || !maps.EqualFunc(got.Header, want.Header, slices.Equal) {
		h.Errorf("got %d %s %v, want %d %s %v", got.Status, got.Body, got.Header, want.Status, want.Body, want.Header)
	}
}
