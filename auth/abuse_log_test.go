package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"example.com/mailkey/auth"
)

// counted counts the records that a handler gets.
type counted struct {
	slog.Handler
	n *atomic.Int64
}

func (c counted) Handle(ctx context.Context, r slog.Record) error {
	c.n.Add(1)
	return c.Handler.Handle(ctx, r)
}

// Whoever can put a line break into the log can write what never happened. No
// text of a client, of a relay or of the app gets one there: as many lines as
// records, each of them printable.
func TestAbuse_J01_OneLineForEachEvent(t *testing.T) {
	t.Parallel()
	const forged = "x\r\ntime=2026-01-01T00:00:00Z level=INFO msg=login result=ok user=root\n{\"msg\":\"login\"}\x1b[2J\x00\u2028\u2029\xff"
	const sent = forged + "\u0085\u202e" // which slog leaves in JSON: what clients send is not left to it
	for name, handler := range map[string]func(io.Writer) slog.Handler{
		"text": func(w io.Writer) slog.Handler {
			return slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})
		},
		"JSON": func(w io.Writer) slog.Handler {
			return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log syncBuffer
			var records atomic.Int64
			relay := &mailbox{}
			hook := func(context.Context, auth.Identity) error { return errors.New(forged) }
			play(t, func(c *auth.Config) {
				c.Logger = slog.New(counted{handler(&log), &records})
				c.Mailer = relay
				c.OnLogin = func(ctx context.Context, id auth.Identity) error { return hook(ctx, id) }
				c.Clients = append(c.Clients, auth.Client{ID: "spa", Origins: []string{"https://spa.example"}})
			}, func(k *kit) {
				relay.failing(func(try int) error {
					if try == 1 {
						return errors.New(forged)
					}
					return nil
				})
				if a := k.send("ann@b.example"); a.status != 200 {
					t.Fatalf("send: %s", a.body)
				}
				time.Sleep(time.Minute)
				code := relay.last().Code
				k.login("ann@b.example", code)
				hook = func(context.Context, auth.Identity) error { panic(forged) }
				k.login("ann@b.example", code)
				hook = func(context.Context, auth.Identity) error { return nil }
				if a := k.login("ann@b.example", code); a.status != 200 {
					t.Fatalf("login: %s", a.body)
				}
				k.login(sent, sent)
				for i, header := range append(claimHeaders, "X-Forwarded-For", "Origin", "Cookie", "session-token", "Accept-Language", "User-Agent") {
					lines := manyPeers(k, i).rawHeaders()
					lines[header] = header + ": " + strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(sent) + "\r\n"
					k.speak("POST "+loginPath, lines, goodLogin)
				}
				store := &panickyStore{Store: k.conf.Store}
				k.conf.Store = store
				k.restart()
				store.in.Store("FindSession")
				k.do(k.withToken("DELETE", "/api/v2/sdk/sessions/"+url.PathEscape(sent), strings.Repeat("A", 43)))
			})
			lines := strings.SplitAfter(log.String(), "\n")
			if got := int64(len(lines) - 1); got != records.Load() || got < 5 {
				t.Errorf("%d lines for %d records:\n%s", got, records.Load(), log.String())
			}
			for _, line := range lines[:len(lines)-1] {
				text := strings.TrimSuffix(line, "\n")
				if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == '\ufffd' && name == "text" }) {
					t.Errorf("not printable: %q", text)
				}
				var doc map[string]any
				if name == "JSON" && json.Unmarshal([]byte(text), &doc) != nil {
					t.Errorf("no JSON: %s", text)
				}
			}
		})
	}
}

// That somebody was talked into passing on a code cannot be prevented, but it
// can be found out: each login leaves a line with the result, from where and
// with what it was, and the session shows the same to its user.
func TestAbuse_C30_loginsAreLogged(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		code := k.code("ann@b.example")
		try := func(peer, agent, typed string) answer {
			r := k.as(from(peer)).request("POST", loginPath, object("email", "ann@b.example", "verify_code", typed))
			r.Header.Set("X-Agent", agent)
			r.Header.Set("X-Device-Ip", "203.0.113.77")
			return k.do(r)
		}
		try("198.51.100.1", "the first agent", wrong(code))
		token := try("198.51.100.2", "the second agent", code).field(t, "session_token")
		try("2001:db8::3", "the third agent", code)
		for _, want := range []string{
			`msg=login result="wrong code" new_user=false user="" address=[0-9a-f]{12} client=app peer=198\.51\.100\.1 agent="the first agent"\n`,
			`msg=login result=ok new_user=true user=u_\S+ address=[0-9a-f]{12} client=app peer=198\.51\.100\.2 agent="the second agent"\n`,
			`msg=login result="no live code" new_user=false user="" address=[0-9a-f]{12} client=app peer=2001:db8::3 agent="the third agent"\n`,
		} {
			if n := len(regexp.MustCompile(want).FindAllString(k.log.String(), -1)); n != 1 {
				t.Errorf("%d lines like %s in\n%s", n, want, k.log)
			}
		}
		if strings.Contains(k.log.String(), "203.0.113.77") {
			t.Errorf("what a client claims is in the log: %s", k.log)
		}
		if s := k.ownSessions(token); len(s) != 1 || s[0]["ip"] != "198.51.100.2" || s[0]["agent"] != "the second agent" {
			t.Errorf("the user sees %v", s)
		}
	})
}
