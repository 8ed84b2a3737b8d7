package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"time"
)

// rotationGrace is how long a refresh may be tried again.
const rotationGrace = 10 * time.Second

// refreshReply is a fresh id_token, and for header clients the session_token to
// go on with.
type refreshReply struct {
	SessionToken string `json:"session_token,omitempty"`
	Expire       int    `json:"expire"` // seconds that the session still lives
	IDToken      string `json:"id_token"`
}

// refresh signs a new id_token for a live session.
func (a *Auth) refresh(c *call) error {
	token, ok := sessionToken(c.r, c.client)
	if !ok {
		return refuse(ReasonSessionInvalid)
	}
	current, err := a.findSession(c)
	if err != nil {
		return err
	}
	if a.config.RotateSessionToken && !c.client.Cookie {
		if token, current, err = a.rotate(c, token, current); err != nil {
			return err
		}
	}
	if !current.live {
		return refuse(ReasonSessionInvalid)
	}
	a.touch(c.ctx, current)
	id := identityOf(current)
	extra, err := a.extraClaims(c.ctx, id)
	if err != nil {
		return err
	}
	idToken, err := a.signIDToken(c.ctx, id, extra, c.now)
	if err != nil {
		return busy("sign the id_token", err)
	}
	reply := refreshReply{Expire: int(current.session.ExpiresAt.Sub(c.now) / time.Second), IDToken: idToken}
	if !c.client.Cookie {
		reply.SessionToken = token
	}
	return c.reply(reply)
}

// rotate replaces the token of the session. The new one is derived from the
// old one and the secret, so whoever tries again gets the same.
func (a *Auth) rotate(c *call, old string, current *currentSession) (string, *currentSession, error) {
	mac := hmac.New(sha256.New, a.secrets[0].rotate)
	mac.Write([]byte(old))
	next := base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	if !current.live {
		// Perhaps it was replaced just now, and the answer got lost. Who may have
		// it is checked before anything is changed.
		if err := a.find(c.ctx, current, hashToken(next)); err != nil {
			return "", nil, busy("find the session", err)
		}
		current.live = current.live && current.session.ClientID == c.client.ID
		if !current.live {
			return "", nil, refuse(ReasonSessionInvalid)
		}
	}
	ok, err := a.config.Store.RotateSession(c.ctx, hashToken(old), hashToken(next), rotationGrace, c.now)
	if err != nil {
		return "", nil, busy("rotate the session", err)
	}
	if !ok {
		return "", nil, refuse(ReasonSessionInvalid)
	}
	current.session.TokenHash = hashToken(next)
	return next, current, nil
}
