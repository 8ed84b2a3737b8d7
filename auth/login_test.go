package auth_test

import (
	"encoding/json"
	"testing"

	"example.com/mailkey/auth"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		code := k.code("ann@b.example")
		if m := k.mails.last(); m.To != "ann@b.example" || len(code) != 6 || m.Language != "en" || m.Product != "Acme" {
			t.Errorf("mail %+v", m)
		}
		a := k.login("ann@b.example", code)
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		var reply map[string]any
		if err := json.Unmarshal(a.body, &reply); err != nil {
			t.Fatal(err)
		}
		if reply["status"] != "SUCCESS" || reply["expire"] != 432000.0 || len(reply["session_token"].(string)) != 43 {
			t.Errorf("%s", a.body)
		}
		if got := k.login("ann@b.example", code).code(); got != string(auth.ReasonCode) {
			t.Errorf("the code again: %s", got)
		}
		out := k.request("POST", logoutPath, "")
		out.Header.Set("Session-Token", reply["session_token"].(string))
		if a := k.do(out); string(a.body) != "{}" || a.status != 200 {
			t.Errorf("logout: %d %s", a.status, a.body)
		}
		out = k.request("GET", logoutPath, "")
		out.Header.Set("Authorization", "Bearer "+reply["session_token"].(string))
		if a := k.do(out); a.code() != string(auth.ReasonSessionInvalid) {
			t.Errorf("logout again: %d %s", a.status, a.body)
		}
		t.Log(k.log)
	})
}
