package abuse

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/internal/torture"
)

// wantRefused makes a request that has to be refused, with a code of the
// contract and without a word about what is behind it.
func wantRefused(h *house.House, r burst.Request, what string) {
	h.Helper()
	a := h.Call(r)
	var body struct {
		Code auth.Reason `json:"error_code"`
	}
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil || a.Status < 400 || a.Status >= 500 || !strings.Contains(string(body.Code), ".") {
		h.Errorf("%s: %d %s", what, a.Status, a.Body)
	}
}

// everywhere puts the text into each field, header and parameter in turn.
func everywhere(h *house.House, text string) (requests map[string]burst.Request) {
	requests = make(map[string]burst.Request)
	email := house.Person()
	for path, fields := range map[string][]string{
		"/api/v2/sdk/captcha/verify":          {"token", "x", "sender", email, "captcha_code", "1"},
		"/api/v2/sdk/email/send":              {"email", email, "type", "LOGIN_EMS", "captcha_token", "x"},
		"/api/v2/sdk/login/email-verify-code": {"email", email, "verify_code", "123456"},
	} {
		for i := 0; i < len(fields); i += 2 {
			with := append([]string(nil), fields...)
			with[i+1] = text
			requests[path+" "+fields[i]] = house.Request("POST", path, with...)
		}
	}
	for _, header := range []string{"X-Device-Fingerprint", "X-Client-Id", "X-Agent", "X-Operating-Sys-Version", "X-L", "X-Device-Ip"} {
		requests[header] = house.With(house.Guess(email, "123456"), header, text)
	}
	for _, header := range []string{"Session-Token", "Authorization", "Cookie"} {
		requests[header] = house.With(house.Logout(""), header, text)
	}
	requests["audio"] = house.Request("GET", "/api/v2/sdk/captcha/audio?token="+url.QueryEscape(text))
	requests["session"] = house.Request("DELETE", "/api/v2/sdk/sessions/"+url.PathEscape(text))
	return requests
}

// Texts that one database stores and the other fails at are refused before
// either sees them, or are stored by both.
func TestAbuse_E05_textInEachDatabase(t *testing.T) {
	t.Parallel()
	house.OnEachDatabase(t, 1, nil, func(h *house.House) {
		before := rows(h)
		for _, text := range []string{
			"\x00", "a\x00b", "\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "a\u0001", "\ufffe", "\ufffd", "\U0010ffff", "\u2028",
			"e\u0301", strings.Repeat("\u4e2d", 1000), strings.Repeat("\x00", 100),
		} {
			for where, r := range everywhere(h, text) {
				wantRefused(h, r, fmt.Sprintf("%s %.20q", where, text))
			}
		}
		// As escapes, which JSON has for what is no text.
		for _, escape := range []string{`\u0000`, `a\u0000b`, `\ud800`, `\udc00`, `\ud800\u0061`, `\x00`, `\u00`, `\ud83d\ud83d`} {
			for where, r := range everywhere(h, "ESCAPE") {
				if strings.Contains(r.Body, "ESCAPE") {
					h.Refused(withBody(r, strings.Replace(r.Body, "ESCAPE", escape, 1)), auth.ReasonMalformed, where+" "+escape)
				}
			}
		}
		wantRows(h, before, "limits", "failure_hours")
	})
}

// meaningful are texts that mean something to a database.
var meaningful = []string{
	"'", `"`, ";", "--", "/*", `\`, "%", "_", "$1", "?", ":name", "@p1", "' OR '1'='1", "'; DROP TABLE users; --", "1; ATTACH DATABASE 'x' AS y",
	"' UNION SELECT sealed FROM keys --", "'||(SELECT sealed FROM keys)||'", "$$x$$", "E'\\x00'", "x' AND 1=CAST(version() AS int) --", "'; SELECT pg_sleep(30); --",
	"COPY users TO PROGRAM 'id'", "{1,2}", "\\N", "NULL", "CURRENT_USER",
}

// What means something to a database means nothing in a field, in a header or in
// a path; what may be stored comes back as it was.
func TestAbuse_E17_textThatMeansSomething(t *testing.T) {
	t.Parallel()
	house.OnEachDatabase(t, 1, nil, func(h *house.House) {
		token := h.SignedIn(house.Person())
		before := rows(h)
		for _, text := range meaningful {
			for where, r := range everywhere(h, text) {
				wantRefused(h, r, where+" "+text)
			}
		}
		wantRows(h, before, "limits", "failure_hours")
		if a := h.Call(house.Refresh(token)); a.Status != 200 {
			h.Errorf("a session was ended: %s", a.Body)
		}

		for i, local := range []string{"o'hara", "a'--", "'or'1'='1", "'||'", "a/*b*/", "`a`", "$1", "#a", "a_b", "_", "%"} {
			email, text := local+"@b.example", meaningful[i]
			if local == "%" {
				wantRefused(h, house.Guess(email, "123456"), email)
				continue
			}
			as := func(r burst.Request) burst.Request {
				return house.With(house.With(on("device "+text, r), "X-Agent", text), "X-Operating-Sys-Version", text)
			}
			h.Do(as(house.Send(email, ticketOn(h, "device "+text, email))))
			a := h.Do(as(house.Guess(email, h.Mails.Wait(h, email, 1).Code)))
			var list struct {
				Sessions []struct {
					Agent string
					OS    string `json:"operating_sys_version"`
				}
			}
			mine := house.With(as(house.Request("GET", "/api/v2/sdk/sessions")), "Session-Token", house.Field(h, a, "session_token"))
			if err := json.Unmarshal([]byte(h.Do(mine).Body), &list); err != nil || len(list.Sessions) != 1 || list.Sessions[0].Agent != text || list.Sessions[0].OS != text {
				h.Errorf("%s with %q has the sessions %+v, %v", email, text, list, err)
			}
			if u, ok, err := h.Store.UserByEmail(h.Context(), email); err != nil || !ok || u.Email != email {
				h.Errorf("%s is stored as %+v, %v", email, u, err)
			}
		}
	})
}

// Each database compares bytes. Letters are folded before it sees them, ASCII
// alone, whatever its locale would do.
func TestAbuse_D07_sameFolding(t *testing.T) {
	t.Parallel()
	house.OnEachDatabase(t, 1, patient, func(h *house.House) {
		ids := make(map[string]string)
		for _, email := range []string{
			"ann@b.example", "ann+x@b.example", "a.nn@b.example", "ann_@b.example", "an_@b.example", "ann@bb.example", "ann@xn--b-zfa.example", "'ann'@b.example", "-ann@b.example",
		} {
			h.SignedIn(email)
			u, ok, err := h.Store.UserByEmail(h.Context(), email)
			if err != nil || !ok || ids[u.ID] != "" {
				h.Errorf("%s and %q are one user: %+v, %v", email, ids[u.ID], u, err)
			}
			ids[u.ID] = email
		}
		users := rows(h)["users"]
		const loud = "ANN@B.EXAMPLE"
		eventually(h, func() burst.Answer { return h.Call(house.Send(loud, h.Ticket(loud))) })
		h.Do(house.Guess(loud, h.Mails.Wait(h, "ann@b.example", 2).Code)) // to the spelling that was proved
		if got := rows(h)["users"]; got != users {
			h.Errorf("%d users more", got-users)
		}
		for _, email := range []string{loud, "Ann@b.example", "ann@b.example ", " ann@b.example", "an%@b.example", "ann@b.exampl\u0117", "\u0061\u0301nn@b.example"} {
			if u, ok, err := h.Store.UserByEmail(h.Context(), email); ok || err != nil {
				h.Errorf("%q finds %+v, %v", email, u, err)
			}
		}
	})
}

// Readers that give up at any moment leave nothing behind on a connection for
// those that use it after them.
func TestAbuse_J07_cancelledReads(t *testing.T) {
	t.Parallel()
	const users, readers = 5, 8
	rounds := torture.Rounds(50, 5000)
	house.OnEachDatabase(t, 1, nil, func(h *house.House) {
		var ids, emails, hashes [users]string
		for i := range users {
			emails[i] = house.Person()
			h.SignedIn(emails[i])
			u, _, err := h.Store.UserByEmail(h.Context(), emails[i])
			if err != nil {
				h.Fatal(err)
			}
			sessions, err := h.Store.ListSessions(h.Context(), u.ID, time.Now())
			if err != nil || len(sessions) != 1 {
				h.Fatalf("%+v, %v", sessions, err)
			}
			ids[i], hashes[i] = u.ID, sessions[0].TokenHash
		}
		var answered, cancelled atomic.Int64
		read := func(reader, round int) {
			i := (reader + round) % users
			ctx, cancel := context.WithCancel(h.Context())
			defer cancel()
			defer time.AfterFunc(time.Duration(round%20)*200*time.Microsecond, cancel).Stop()
			session, ok1, err1 := h.Store.FindSession(ctx, hashes[i], time.Now())
			byEmail, ok2, err2 := h.Store.UserByEmail(ctx, emails[i])
			byID, ok3, err3 := h.Store.UserByID(ctx, ids[i])
			for n, row := range []struct {
				ok  bool
				err error
				is  bool
			}{
				{ok1, err1, session.TokenHash == hashes[i] && session.UserID == ids[i] && session.Email == emails[i]},
				{ok2, err2, byEmail.ID == ids[i]},
				{ok3, err3, byID.Email == emails[i]},
			} {
				switch {
				case row.err == nil && row.ok && row.is:
					answered.Add(1)
				case row.err != nil && ctx.Err() != nil:
					cancelled.Add(1)
				default:
					h.Errorf("reader %d, answer %d: ok %v, right %v, %v", reader, n, row.ok, row.is, row.err)
				}
			}
		}
		atOnce(readers, func(reader int) {
			for round := range rounds {
				read(reader, round)
			}
		})
		for i := range users { // and nobody waits for a connection
			if a := h.Call(house.Guess(emails[i], "123456")); house.Code(h, a) != string(auth.ReasonCode) {
				h.Errorf("afterwards: %d %s", a.Status, a.Body)
			}
		}
		if answered.Load() == 0 || cancelled.Load() == 0 {
			h.Errorf("%d were answered, %d cancelled", answered.Load(), cancelled.Load())
		}
	})
}

// atOnce makes n calls at the same time.
func atOnce(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// Nobody's session is named by what is no text, on whatever database.
func TestAbuse_E05_idsOfSessions(t *testing.T) {
	t.Parallel()
	house.OnEachStore(t, 1, nil, func(h *house.House) {
		email := house.Person()
		token := house.Field(h, h.Do(house.Guess(email, h.Mailed(email))), "session_token")
		for _, id := range []string{"%00", "a%00", "%ff", "%C0%80", "%F0%9F%94%91", strings.Repeat("A", 300)} {
			a := h.Call(house.With(house.Request("DELETE", "/api/v2/sdk/sessions/"+id), "Session-Token", token))
			if a.Status != 200 || strings.TrimSpace(a.Body) != `{"ended":0}` {
				h.Errorf("%s: %d %s", id, a.Status, a.Body)
			}
		}
		h.Do(house.Page(token))
	})
}
