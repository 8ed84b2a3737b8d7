package auth

import (
	"errors"
	"net/http"

	"example.com/mailkey/internal/failpoint"
)

// logout ends the session everywhere at once. A link must not log anybody out,
// so a cookie counts with POST only.
func (a *Auth) logout(c *call) error {
	if c.client.Cookie && c.r.Method != http.MethodPost {
		return refuse(ReasonSessionInvalid)
	}
	current, err := a.findSession(c)
	if err != nil {
		return err
	}
	ok, err := a.endSession(c, current)
	if err != nil {
		return err
	}
	if err := failpoint.Hit("logout: ended"); err != nil {
		return err
	}
	if c.client.Cookie {
		a.clearCookie(c.w)
	}
	if !ok {
		return refuse(ReasonSessionInvalid)
	}
	a.config.Logger.Info("logout", "user", current.session.UserID, "client", c.client.ID, "peer", c.peer)
	return c.reply(struct{}{})
}

// endSession ends the session of the request. When its token was replaced just
// now, and the answer that told so was lost, it is the session as it goes on.
func (a *Auth) endSession(c *call, current *currentSession) (ok bool, err error) {
	if current.live {
		ok, err = a.sessions.EndSession(c.ctx, hashToken(current.token), c.now)
	}
	if err == nil && !ok && current.token != "" && a.config.RotateSessionToken && !c.client.Cookie {
		ok, err = a.endNextSession(c, current)
	}
	if err != nil {
		return false, busy("end the session", err)
	}
	return ok, nil
}

// endNextSession makes current the session as it goes on, and ends it.
func (a *Auth) endNextSession(c *call, current *currentSession) (ok bool, err error) {
	old := current.token
	current.live = false
	next, err := a.nextToken(c, old, current)
	if errors.Is(err, ReasonSessionInvalid) {
		return false, nil
	}
	if err == nil {
		ok, err = a.config.Store.RotateSession(c.ctx, hashToken(old), hashToken(next), rotationGrace, c.now)
	}
	if err != nil || !ok { // not just now
		return false, err
	}
	return a.sessions.EndSession(c.ctx, hashToken(next), c.now)
}
