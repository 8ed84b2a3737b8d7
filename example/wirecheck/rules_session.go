package main

import (
	"net/http"
	"strings"
)

var dead = strings.Repeat("A", 43) // looks like a session_token

// refreshRules are about fresh id_tokens.
var refreshRules = []rule{
	{6, "refresh/answer", "a session gets a fresh id_token, a session_token and the rest of its expire", loggedIn(func(r *run) error {
		a := r.send(r.app.request("POST", refreshPath))
		if err := a.ok(); err != nil {
			return err
		}
		if err := members(a.json, "session_token", "expire", "id_token"); err != nil {
			return a.but("%v", err)
		}
		r.app.session = a.text("session_token")
		if a.text("id_token") == r.login.text("id_token") || a.number("expire") > r.login.number("expire") {
			return a.but("id_token and expire were %s and %v at the login", r.login.text("id_token"), r.login.number("expire"))
		}
		return nil
	})},
	{6, "refresh/bearer", "Authorization: Bearer is as good as session-token", loggedIn(func(r *run) error {
		a := r.send(r.app.request("POST", refreshPath).with("Session-Token").with("Authorization", "Bearer "+r.app.session))
		if err := a.ok(); err != nil {
			return err
		}
		r.app.session = a.text("session_token")
		return nil
	})},
	{6, "refresh/dead", "no session, or a dead one, is PARAM.0023", func(r *run) error {
		q := r.app.request("POST", refreshPath)
		return r.refuses(sessionInvalid, q.with("Session-Token"), q.with("Session-Token", dead), q.with("Session-Token", "x"))
	}},
}

// sessionRules are about one's own sessions. The last one ends that of the
// header client.
var sessionRules = []rule{
	{9, "sessions/none", "no session, or a dead one, is SESSION.0001", func(r *run) error {
		for _, q := range []request{r.app.get(sessionsPath), r.app.request("DELETE", sessionsPath+"?others=true"), r.app.request("DELETE", sessionsPath+"/x")} {
			if err := r.refuses(notSignedIn, q.with("Session-Token"), q.with("Session-Token", dead)); err != nil {
				return err
			}
		}
		return nil
	}},
	{9, "sessions/list", "they are listed, one is the current one, and none tells its token", loggedIn(func(r *run) error {
		a := r.send(r.app.get(sessionsPath))
		if _, err := currentSession(a, r.app); err != nil {
			return err
		}
		if strings.Contains(string(a.body), r.app.session) {
			return a.but("the session_token is in it")
		}
		return nil
	})},
	{9, "sessions/unknown", "an id of no session ends nothing", loggedIn(func(r *run) error {
		return r.ends(sessionsPath+"/"+dead, 0)
	})},
	{9, "sessions/others", "others=true ends all others, of which a new user has none", loggedIn(func(r *run) error {
		if r.address == r.addresses {
			return uncheckedError("-address is without {n}, and may have sessions that somebody needs")
		}
		return r.ends(sessionsPath+"?others=true", 0)
	})},
	{9, "sessions/end", "one that is ended by its id is dead at once", loggedIn(func(r *run) error {
		id, err := currentSession(r.send(r.app.get(sessionsPath)), r.app)
		if err != nil {
			return err
		}
		if err := r.ends(sessionsPath+"/"+id, 1); err != nil {
			return err
		}
		return r.isDead(r.app)
	})},
}

// currentSession returns the id of the client's session in a list.
func currentSession(a reply, c client) (id string, err error) {
	list, _ := a.json["sessions"].([]any)
	for _, s := range list {
		session, _ := s.(map[string]any)
		err := members(session, "id", "client_id", "agent", "operating_sys_version", "ip", "created_at", "last_seen_at", "expires_at", "current")
		if err != nil {
			return "", a.but("%v", err)
		}
		if session["current"] != true {
			continue
		}
		if id != "" {
			return "", a.but("two are the current one")
		}
		id, _ = session["id"].(string)
		if session["client_id"] != c.id || session["agent"] != "wirecheck" || session["operating_sys_version"] != "wirecheck" {
			return "", a.but("the current one should be of %s, with the headers of its login", c.id)
		}
	}
	if id == "" {
		return "", a.but("none is the current one")
	}
	return id, nil
}

// ends is nil when to delete this ends so many sessions.
func (r *run) ends(path string, want float64) error {
	a := r.send(r.app.request("DELETE", path))
	if err := members(a.json, "ended"); err != nil || a.status != http.StatusOK || a.number("ended") != want {
		return a.but("should have ended %v (%v)", want, err)
	}
	return nil
}

// isDead is nil when the client's session is of no use any more.
func (r *run) isDead(c client) error {
	if err := r.refuses(sessionInvalid, c.request("POST", refreshPath), c.request("POST", logoutPath)); err != nil {
		return err
	}
	return r.refuses(notSignedIn, c.get(sessionsPath))
}

// logoutRules are about the end. The session that is left is the cookie
// client's; where there is none, the header client logs in once more.
var logoutRules = []rule{
	{7, "logout/dead", "to log out without a session, or with a dead one, is PARAM.0023", func(r *run) error {
		return r.refuses(sessionInvalid,
			r.app.get(logoutPath).with("Session-Token"), r.app.request("POST", logoutPath).with("Session-Token"),
			r.app.get(logoutPath).with("Session-Token", dead), r.app.request("POST", logoutPath).with("Session-Token", dead))
	}},
	{7, "logout/ends", "to log out ends the session at once", func(r *run) error {
		c, method := r.page, http.MethodPost
		if c.id == "" {
			c, method = r.app.elsewhere(), http.MethodGet
			c.session = ""
			address := r.newAddress()
			_, code, err := r.getMail(c, address)
			if err != nil {
				return err
			}
			c.session = r.send(c.post(loginPath, "email", address, "verify_code", code)).text("session_token")
		}
		if c.session == "" {
			return errNotLoggedIn
		}
		a := r.send(c.request(method, logoutPath))
		if err := a.ok(); err != nil {
			return err
		}
		if a.json == nil || len(a.json) > 0 {
			return a.but("should have been with {}")
		}
		r.logout = a
		return r.isDead(c)
	}},
	{7, "logout/cookie", "to log out removes the cookie", func(r *run) error {
		if r.page.id == "" {
			return errNoCookieClient
		}
		if r.logout.status == 0 {
			return errNotLoggedIn
		}
		name, _, _ := strings.Cut(r.page.session, "=")
		for _, c := range (&http.Response{Header: r.logout.header}).Cookies() {
			if c.Name == name && c.Value == "" && c.MaxAge < 0 {
				return nil
			}
		}
		return r.logout.but("Set-Cookie is %q", r.logout.header.Values("Set-Cookie"))
	}},
}
