package auth

import (
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
	ok := current.live
	if ok {
		if ok, err = a.sessions.EndSession(c.ctx, hashToken(current.token), c.now); err != nil {
			return busy("end the session", err)
		}
		if err := failpoint.Hit("logout: ended"); err != nil {
			return err
		}
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
