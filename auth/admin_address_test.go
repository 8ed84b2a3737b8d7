package auth_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
)

// strangerTo reports whether the kit's device is a stranger to the address: a
// device that logged in before gets more mails in an hour.
func (k *kit) strangerTo(email string) bool {
	k.Helper()
	k.pass(25 * time.Hour) // what was sent before counts no more
	mails := 0
	for range 5 {
		if k.send(email).status == 200 {
			mails++
		}
		time.Sleep(time.Minute)
	}
	if mails != 3 && mails != 5 {
		k.Errorf("%d mails in five minutes, want 3 for a stranger and 5 for others", mails)
	}
	return mails == 3
}

// Who registers with an address that was somebody else's is a new person: with
// an id, sessions and devices of their own.
func TestAbuse_D10_deletedUser(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		token, old := k.signIn("ann@b.example")
		oldID := old["sub"].(string)
		if k.strangerTo("ann@b.example") {
			t.Error("the device is a stranger after a login")
		}
		k.pass(25 * time.Hour)
		code := k.code("ann@b.example") // one is out when the user is deleted
		if err := k.auth.DeleteUser(k.Context(), oldID); err != nil {
			t.Fatal(err)
		}
		if k.alive(token) || len(mustSessions(k, oldID)) != 0 {
			t.Error("a session outlived its user")
		}
		if _, err := k.auth.User(k.Context(), oldID); !errors.Is(err, auth.ErrUnknownUser) {
			t.Errorf("the user: %v", err)
		}
		if err := k.auth.DeleteUser(k.Context(), oldID); !errors.Is(err, auth.ErrUnknownUser) {
			t.Errorf("deleted again: %v", err)
		}
		if a := k.login("ann@b.example", code); a.code() != string(auth.ReasonCode) {
			t.Errorf("a code from before the deletion: %s", a.body)
		}
		if !k.strangerTo("ann@b.example") {
			t.Error("the deleted user's device is no stranger to the address")
		}
		k.pass(25 * time.Hour)
		ids := map[any]bool{oldID: true}
		for i := range 3 {
			device := k.as(onDevice(fmt.Sprint("new", i)))
			token, c := device.signIn("ann@b.example")
			if ids[c["sub"]] {
				t.Errorf("the id %v was given before", c["sub"])
			}
			ids[c["sub"]] = true
			if list := mustSessions(k, c["sub"].(string)); len(list) != 1 || !k.alive(token) {
				t.Errorf("the new user's sessions: %+v", list)
			}
			if err := k.auth.DeleteUser(k.Context(), c["sub"].(string)); err != nil {
				t.Fatal(err)
			}
			k.pass(25 * time.Hour)
		}
	})
}

// A user who moves to another address stays who they are; the old address is
// anybody's.
func TestChangeEmail(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		token, c := k.signIn("ann@b.example")
		id := c["sub"].(string)
		if err := k.auth.ChangeEmail(k.Context(), id, "Ann.New@B.example"); err != nil {
			t.Fatal(err)
		}
		u, err := k.auth.User(k.Context(), id)
		if err != nil || u.Email != "ann.new@b.example" || u.MailTo != "Ann.New@B.example" {
			t.Errorf("%+v, %v", u, err)
		}
		if a := k.page(whoami).with("Session-Token", token); string(a.body) != id {
			t.Errorf("the session: %s", a.body)
		}
		if _, err := k.auth.UserByEmail(k.Context(), "ann@b.example"); !errors.Is(err, auth.ErrUnknownUser) {
			t.Errorf("by the old address: %v", err)
		}

		k.pass(time.Hour)
		again, c := k.signIn("ANN.NEW@b.example")
		if m := k.mails.last(); m.To != "Ann.New@B.example" {
			t.Errorf("mail went to %q, want the spelling that was given", m.To)
		}
		if c["sub"] != id || c["email"] != "ann.new@b.example" || !k.alive(token) || !k.alive(again) {
			t.Errorf("the new address logs in %v, want %v", c, id)
		}

		k.pass(time.Hour)
		if !k.strangerTo("ann@b.example") {
			t.Error("the device is no stranger to the old address")
		}
		k.pass(25 * time.Hour)
		_, other := k.as(onDevice("other")).signIn("ann@b.example")
		if other["sub"] == id {
			t.Error("the old address still logs in the user")
		}
		if err := k.auth.ChangeEmail(k.Context(), id, "ann@b.example"); !errors.Is(err, auth.ErrEmailTaken) {
			t.Errorf("back to an address that has a new user: %v", err)
		}
	})
}

// The spelling alone can be changed, and back again; the user stays.
func TestChangeOfTheSpelling(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		_, c := k.signIn("ann@b.example")
		id := c["sub"].(string)
		for _, email := range []string{"ANN@b.example", "other@b.example", "Ann@B.example"} {
			if err := k.auth.ChangeEmail(k.Context(), id, email); err != nil {
				t.Fatalf("%s: %v", email, err)
			}
			k.pass(25 * time.Hour)
			if _, c := k.signIn(email); c["sub"] != id {
				t.Errorf("%s logs in %v, want %v", email, c["sub"], id)
			}
			synctest.Wait()
			if m := k.mails.last(); m.To != email {
				t.Errorf("mail went to %q, want %q", m.To, email)
			}
		}
	})
}
