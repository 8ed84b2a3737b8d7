package auth_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

// injections are texts that mean something to a database, a shell, a template or
// a log.
var injections = []string{
	"'", "''", `"`, "`", ";", "--", "/*", "*/", `\`, `\'`, "%", "_", "%%", "$1", "?", ":name", "@p1", "' OR '1'='1", "'; DROP TABLE users; --",
	"1; ATTACH DATABASE 'x' AS y", "' UNION SELECT sealed FROM keys --", "'||(SELECT sealed FROM keys)||'", "$$x$$", "E'\\x00'", "x' AND 1=CAST(version() AS int) --",
	"'; SELECT pg_sleep(10); --", "{{.}}", "${jndi:ldap://x}", "%s%n%d", "$(id)", "| id", "<script>alert(1)</script>", "../../etc/passwd", "null", "NaN", "0x27",
}

// wantPlain checks that an answer is one of the contract's, and tells nothing of
// what is behind it.
func wantPlain(k *kit, what string, a answer) {
	k.Helper()
	var body struct {
		Code auth.Reason `json:"error_code"`
		Text string      `json:"error_msg"`
	}
	if err := json.Unmarshal(a.body, &body); a.status != 200 && (err != nil || a.status >= 500 || body.Text != k.auth.Text("en", body.Code)) {
		k.Errorf("%s: %d %s", what, a.status, a.body)
	}
}

// Every field and every header is data to the database: it is refused, or it is
// stored as it is.
func TestAbuse_E17_Injections(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		token, c := k.signIn("ann@b.example")
		for i, text := range injections {
			k := manyPeers(k, i)
			for path, fields := range fieldsOf {
				for _, field := range fields {
					var good map[string]string
					if err := json.Unmarshal([]byte(goodBodies[path]), &good); err != nil {
						t.Fatal(err)
					}
					good[field] = text
					doc, _ := json.Marshal(good)
					wantPlain(k, fmt.Sprintf("%s, %s %q", path, field, text), k.do(k.request("POST", path, string(doc))))
				}
			}
			for _, name := range append(claimHeaders, "session-token", "Authorization", "Cookie", "Accept-Language", "If-None-Match", "Origin") {
				r := k.request("GET", "/api/v2/sdk/sessions", "")
				r.Header.Set("Session-Token", token)
				r.Header.Set(name, text)
				wantPlain(k, fmt.Sprintf("%s: %q", name, text), k.do(r))
			}
			for _, path := range []string{captchaPath + "?type=", captchaPath + "/audio?token=", "/api/v2/sdk/sessions/", "/api/v2/sdk/sessions?others="} {
				method := "GET"
				if strings.Contains(path, "sessions") {
					method = "DELETE"
				}
				wantPlain(k, path+text, k.do(k.withToken(method, path+url.QueryEscape(text), token)))
			}
		}
		if !k.alive(token) {
			t.Error("a session was ended")
		}
		if users, err := k.conf.Store.ListUsers(k.Context(), "", 10); err != nil || len(users) != 1 || users[0].ID != c["sub"] {
			t.Errorf("users are %v, %v", users, err)
		}
	})
}

// What is stored comes back as it was: about the device, and the addresses that
// the grammar allows.
func TestAbuse_E17_StoredLiterally(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		for i, local := range []string{"o'hara", "a'--", "'or'1'='1", "'||'", "a/*b*/", "`a`", "{{a}}", "$1", "#a", "^a~", "a_b", "_"} {
			email := local + "@b.example"
			text := injections[i%len(injections)]
			device := manyPeers(k, i).as(onDevice(text))
			r := device.request("POST", loginPath, object("email", email, "verify_code", device.code(email)))
			r.Header.Set("X-Agent", text)
			r.Header.Set("X-Operating-Sys-Version", text)
			a := device.do(r)
			if a.status != 200 {
				t.Errorf("%s: %d %s", email, a.status, a.body)
				continue
			}
			c := claims(t, a.field(t, "id_token"))
			list := mustSessions(k, c["sub"].(string))
			if c["email"] != email || len(list) != 1 || list[0].Agent != text || list[0].OS != text || k.mails.last().To != email {
				t.Errorf("%s by %q: claims %v, sessions %+v", email, text, c, list)
			}
			if user, err := k.auth.UserByEmail(k.Context(), email); err != nil || user.ID != c["sub"] {
				t.Errorf("%s: %v, %v", email, user, err)
			}
			time.Sleep(time.Minute)
		}
	})
}
