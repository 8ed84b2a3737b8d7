package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// rotationGrace is how long a refresh may be tried again.
const rotationGrace = 30 * time.Second

// refreshReply is a fresh id_token, and for header clients the session_token to
// go on with.
type refreshReply struct {
	SessionToken string `json:"session_token,omitempty"`
	Expire       int    `json:"expire"` // seconds that the session still lives
	IDToken      string `json:"id_token"`
}

// refresh signs a new id_token for a live session.
func (a *Auth) refresh(c *call) error {
	token, ok := a.sessionToken(c.r, c.client)
	if !ok {
		return refuse(ReasonSessionInvalid)
	}
	current, err := a.findSession(c)
	if err != nil {
		return err
	}
	next := token
	if a.config.RotateSessionToken && !c.client.Cookie {
		if next, err = a.nextToken(c, token, current); err != nil {
			return err
		}
	}
	if !current.live {
		return refuse(ReasonSessionInvalid)
	}
	id := identityOf(current)
	if err := a.takeLimits(c, a.config.Limits.Refresh.limit(a.limitKey("refresh", "session", id.SessionID), 1)); err != nil {
		return err
	}
	extra, err := a.extraClaims(c.ctx, id)
	if err != nil {
		return err
	}
	idToken, err := a.signIDToken(c.ctx, id, extra, c.now)
	if err != nil {
		return busy("sign the id_token", err)
	}
	if next != token { // nothing can fail after that
		ok, err := a.config.Store.RotateSession(c.ctx, hashToken(token), hashToken(next), rotationGrace, c.now)
		if err != nil {
			return busy("rotate the session", err)
		}
		if !ok {
			return refuse(ReasonSessionInvalid)
		}
		current.token = next
	}
	a.touch(c.ctx, current)
	reply := refreshReply{Expire: int(current.session.ExpiresAt.Sub(c.now) / time.Second), IDToken: idToken}
	if !c.client.Cookie {
		reply.SessionToken = next
	}
	return c.reply(reply)
}

// nextToken is the token that replaces the old one. It is derived from that and
// the secret, so whoever tries again gets the same. When the old one is dead,
// perhaps because it was replaced just now and the answer got lost, current
// becomes the session as it goes on.
func (a *Auth) nextToken(c *call, old string, current *currentSession) (string, error) {
	if current.live {
		return derivedToken(a.secrets[0], old), nil
	}
	for _, s := range a.secrets { // another instance may have another one first
		next := derivedToken(s, old)
		if err := a.find(c.ctx, current, next); err != nil {
			return "", busy("find the session", err)
		}
		if current.live = current.live && current.session.ClientID == c.client.ID; current.live {
			return next, nil
		}
	}
	return "", refuse(ReasonSessionInvalid)
}

// follow calls f with the hash of a request's token and, while it finds no
// session by that, of those that may have replaced it since the request was let
// in.
func (a *Auth) follow(token string, f func(hash string) (ok bool, err error)) (ok bool, err error) {
	ok, err = f(hashToken(token))
	if a.config.RotateSessionToken {
		for _, s := range a.secrets {
			if ok || err != nil {
				break
			}
			ok, err = f(hashToken(derivedToken(s, token)))
		}
	}
	return ok, err
}

func derivedToken(s secretKeys, old string) string {
	mac := hmac.New(sha256.New, s.rotate)
	mac.Write([]byte(old))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
