package cluster

import (
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/torture"
)

// The balancer repeats a request whose answer does not come, POSTs included,
// and so an instance may see what another one has done. Nothing happens twice
// by that, and what was not done is done.
func TestFault_R48_theBalancerRepeatsRequests(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	instances := c.startAll(t, current(t), freeAddrs(t, 3))
	var between network
	var addrs []string
	for _, i := range instances {
		addrs = append(addrs, between.to(t, i))
	}
	c.balance(t, addrs, "max_fails=1", "max_fails=0") // each fault is the first one for nginx
	admin := c.admin(t)

	faults := []fault{
		{"refused", true, resets},
		{"closed before the instance got it", true, closes},
		{"closed", false, closes},
		{"reset", false, resets},
		{"bad gateway", false, badGateway},
	}
	cut := func(t *testing.T, f fault, path string, ask func() reply, done, repeated string) {
		t.Helper()
		want := repeated
		if f.before {
			want = done
		}
		between.cut(path, f)
		if got := ask(); got.String() != want {
			t.Fatalf("%s: got %s\n%s\nwant %s", path, got, got.text, want)
		}
		if !between.struck() {
			t.Fatalf("%s was not asked for", path)
		}
	}
	one := func(t *testing.T, f fault) {
		d, address := newDevice(c.url), newAddress()
		ticket := d.ticket(t, address)
		cut(t, f, sendPath, func() reply { return d.do(t, "POST", sendPath, ticket) }, ok, badTicket)
		code := c.relay.Next(t, address).Code(t)
		c.oneMail(t, address)

		login := map[string]string{"email": address, "verify_code": code}
		cut(t, f, loginPath, func() reply {
			r := d.do(t, "POST", loginPath, login)
			d.session = r.field("session_token")
			return r
		}, ok, badCode)
		oneSession(t, admin, address)
		if d.session == "" { // it was lost on the way
			d = d.login(t, c.relay, newAddress())
		}
		// To ask for a fresh id_token twice does no harm.
		cut(t, f, refreshPath, func() reply { return d.do(t, "POST", refreshPath, nil) }, ok, ok)
		cut(t, f, logoutPath, func() reply { return d.do(t, "POST", logoutPath, nil) }, ok, "400 IDAAS.SDK.PARAM.0023")
		d.do(t, "GET", sessionsPath, nil, noSession)
	}
	for range torture.Rounds(1, 50) {
		for _, f := range faults {
			t.Run(f.name, func(t *testing.T) { one(t, f) })
		}
	}
	// Instances die, two of three, and the last one goes on.
	t.Run("killed", func(t *testing.T) {
		d, address := newDevice(c.url), newAddress()
		kill := fault{"killed", false, kills}
		login := d.code(t, c.relay, address)
		cut(t, kill, loginPath, func() reply { return d.do(t, "POST", loginPath, login) }, ok, badCode)
		oneSession(t, admin, address)
		d = d.login(t, c.relay, newAddress())
		cut(t, kill, logoutPath, func() reply { return d.do(t, "POST", logoutPath, nil) }, ok, "400 IDAAS.SDK.PARAM.0023")
		d.login(t, c.relay, newAddress())
	})
}

// oneSession requires that the user of the address has one session.
func oneSession(t *testing.T, admin *auth.Auth, address string) {
	t.Helper()
	user, err := admin.UserByEmail(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	if sessions, err := admin.Sessions(t.Context(), user.ID); err != nil || len(sessions) != 1 {
		t.Fatalf("sessions: got %d, %v, want 1", len(sessions), err)
	}
}
