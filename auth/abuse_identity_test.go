package auth_test

import (
	"fmt"
	"net/mail"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
)

// refusedAddress reports whether each of the three endpoints refuses an
// address, before anything is done with it.
func (k *kit) refusedAddress(email string) bool {
	k.Helper()
	for i, a := range []answer{
		k.post(verifyPath, "token", strings.Repeat("A", 43), "sender", email, "captcha_code", "1"),
		k.post(sendPath, "email", email, "type", "LOGIN_EMS", "captcha_token", "x"),
		k.post(loginPath, "email", email, "verify_code", "123456"),
	} {
		if a.code() == string(auth.ReasonLimit) {
			k.Fatalf("too many requests for one peer")
		}
		if a.status >= 500 || a.code() != string(auth.ReasonEmail) {
			k.Logf("endpoint %d: %s", i, a.body)
			return false
		}
	}
	return true
}

// Letters that look like others, or like nothing, are refused everywhere.
func TestAbuse_D03_InvisibleLetters(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		for i, r := range []rune{
			0xa0, 0xad, 0x34f, 0x61c, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202d, 0x202e, 0x2060, 0x2061, 0x2066,
			0x2069, 0x3000, 0x3164, 0xfe0f, 0xfeff, 0xffa0, 0xfff9, 0x1d173, 0xe0001, 0xe0061, 0xe007f,
			0x131, 0x130, 0x17f, 0x212a, 0xfb01, 0xff41, 0x430, 0x3bf, // of i, I, s, K, fi and a twice, and o
		} {
			peer := manyPeers(k, i)
			for _, email := range []string{"an" + string(r) + "n@b.example", "ann@b" + string(r) + ".example", "ann@b.example" + string(r)} {
				if !peer.refusedAddress(email) {
					t.Errorf("%+q was not refused", email)
				}
			}
		}
	})
}

// What net/mail reads as an address, and perhaps as that of somebody else, is
// refused when it is more than one.
func TestAbuse_D05_OtherSpellings(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		for i, email := range []string{
			"Ann <ann@b.example>", "<ann@b.example>", `"Ann" <ann@b.example>`, "ann@b.example (Ann)", " ann@b.example ",
			`"ann"@b.example`, `"a@c.example> NOTIFY=SUCCESS"@b.example`, `"a\"b"@c.example`, "ann@[127.0.0.1]", "=?utf-8?q?ann?= <ann@b.example>",
			"ann%c.example@b.example", "c!ann@b.example", "ann@b", "\u00e4nn@b.example", "ann@\u00e4.example", "a?b@c.example", "ann@b_c.example",
		} {
			if _, err := mail.ParseAddress(email); err != nil {
				t.Errorf("%q is refused by everybody: %v", email, err)
			}
			if !manyPeers(k, i).refusedAddress(email) {
				t.Errorf("%q was not refused", email)
			}
		}
		for i, email := range []string{
			"(Ann)ann@b.example", "@c.example:ann@b.example", "all:ann@b.example;", "ann@b.example, bob@b.example", "mailto:ann@b.example", "ann@b.example\r\nBcc: bob@b.example",
		} {
			if !manyPeers(k, 100+i).refusedAddress(email) {
				t.Errorf("%q was not refused", email)
			}
		}
	})
}

// The account is found by any spelling that folds to the same, and its mail
// goes to the one that was proved.
func TestAbuse_D02_StoredSpelling(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		_, first := k.signIn("Ann.Smith@B.example")
		for _, typed := range []string{"ann.smith@b.example", "ANN.SMITH@B.EXAMPLE", "aNN.sMITH@b.eXAMPLE"} {
			k.pass(time.Hour)
			_, again := k.signIn(typed)
			if m := k.mails.last(); m.To != "Ann.Smith@B.example" {
				t.Errorf("asked for with %q, the mail went to %q", typed, m.To)
			}
			if again["sub"] != first["sub"] || again["email"] != "ann.smith@b.example" {
				t.Errorf("%q logs in %v", typed, again)
			}
		}
	})
}

// Every store tells apart what the flow tells apart, and nothing else: it
// compares bytes.
func TestAbuse_D07_SameFoldingEverywhere(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		subs := make(map[any]string)
		for i, email := range []string{
			"ann@b.example", "ann+x@b.example", "a.nn@b.example", "ann_@b.example", "an_@b.example", "ann@bb.example", "ann@xn--b-zfa.example", "'ann'@b.example",
		} {
			_, c := k.as(from(fmt.Sprintf("192.0.3.%d", i))).signIn(email)
			if other, taken := subs[c["sub"]]; taken {
				t.Errorf("%s and %s are the same user", email, other)
			}
			subs[c["sub"]] = email
		}
		k.pass(time.Hour)
		_, c := k.signIn("ANN@B.EXAMPLE")
		if subs[c["sub"]] != "ann@b.example" {
			t.Errorf("ANN@B.EXAMPLE logs in %v", c)
		}
		// The store itself folds nothing, not even what lower() folds.
		for _, email := range []string{"ANN@B.EXAMPLE", "Ann@b.example", "ann@b.example ", "an%@b.example", "\u0061\u0301nn@b.example"} {
			if u, found, err := k.conf.Store.UserByEmail(k.Context(), email); found || err != nil {
				t.Errorf("%q finds %v, %v", email, u, err)
			}
		}
	})
}

// Many people log in for the first time, each of them at two instances at the
// same moment: each is one user.
func TestAbuse_D08_TwoInstances(t *testing.T) {
	const rounds = 20
	onEachStore(t, nil, func(k *kit) {
		other := k.as(onDevice("another device"))
		other.restart()
		kits := []*kit{k, other}
		for round := range rounds {
			email := fmt.Sprintf("first%d@b.example", round)
			var codes, subs [2]string
			for i := range kits {
				kits[i] = kits[i].as(from(fmt.Sprintf("198.51.%d.%d", round, i)))
				if a := kits[i].send(email); a.status != 200 {
					t.Fatalf("round %d: send: %s", round, a.body)
				}
				time.Sleep(time.Minute) // one of the two delivers
				codes[i] = k.mails.last().Code
			}
			atOnce(len(kits), func(i int) {
				a := kits[i].login(email, codes[i])
				if a.code() == string(auth.ReasonBusy) { // the other was first: the code still works
					a = kits[i].login(email, codes[i])
				}
				if a.status != 200 {
					t.Errorf("round %d: %d %s", round, a.status, a.body)
					return
				}
				subs[i] = claims(t, a.field(t, "id_token"))["sub"].(string)
			})
			if subs[0] != subs[1] {
				t.Errorf("round %d: two users, %v", round, subs)
			}
		}
		users, err := k.conf.Store.ListUsers(k.Context(), "", 2*rounds)
		if err != nil || len(users) != rounds {
			t.Errorf("%d users, %v", len(users), err)
		}
		synctest.Wait()
	})
}
