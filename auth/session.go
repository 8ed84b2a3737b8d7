package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"example.com/mailkey/storage"
)

// CookieName is the name of the cookie that holds a cookie client's session.
// The prefix makes browsers accept it only from this very host, over https
// (or from localhost), for all its paths.
const CookieName = "__Host-mailkey"

// newSession is the row for a login that is about to be granted.
func (a *Auth) newSession(c *call, g grant) storage.Session {
	return storage.Session{
		TokenHash:  hashToken(g.token),
		ID:         g.id.SessionID,
		UserID:     g.id.UserID,
		ClientID:   c.client.ID,
		Agent:      c.device.agent,
		OS:         c.device.os,
		ClaimedIP:  c.device.claimedIP,
		IP:         c.peer.String(),
		CreatedAt:  c.now,
		LastSeenAt: c.now,
		ExpiresAt:  c.now.Add(a.config.SessionLifetime),
	}
}

// hashToken is how a session_token is stored: as scs hashes it, too.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// sessionToken returns the token that the request carries: in the cookie of a
// cookie client, in the session-token or Authorization header of a header
// client. There is none when two differ, or when it does not look like one.
func sessionToken(r *http.Request, client Client) (token string, ok bool) {
	var tokens []string
	if client.Cookie {
		for _, cookie := range r.CookiesNamed(CookieName) {
			tokens = append(tokens, cookie.Value)
		}
	} else {
		tokens = append(tokens, r.Header.Values("Session-Token")...)
		for _, value := range r.Header.Values("Authorization") {
			if scheme, credentials, _ := strings.Cut(value, " "); strings.EqualFold(scheme, "Bearer") {
				tokens = append(tokens, strings.TrimSpace(credentials))
			}
		}
	}
	for _, t := range tokens {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(t)
		if err != nil || len(raw) != 32 || t != tokens[0] {
			return "", false
		}
	}
	if len(tokens) == 0 || client.Cookie && len(tokens) > 1 {
		return "", false
	}
	return tokens[0], true
}

// findSession returns the live session of the request, if it is the client's.
func (a *Auth) findSession(c *call) (s storage.Session, u storage.User, ok bool, err error) {
	token, ok := sessionToken(c.r, c.client)
	if !ok {
		return s, u, false, nil
	}
	s, u, ok, err = a.config.Store.FindSession(c.ctx, hashToken(token), c.now)
	if err != nil {
		return s, u, false, busy("find the session", err)
	}
	return s, u, ok && s.ClientID == c.client.ID, nil
}

// endReplacedSession ends the session that a login came with: whoever logs in
// again has one session, and it is a new one.
func (a *Auth) endReplacedSession(ctx context.Context, c *call) {
	token, ok := sessionToken(c.r, c.client)
	if !ok {
		return
	}
	if _, err := a.config.Store.EndSession(ctx, hashToken(token), c.now); err != nil {
		a.config.Logger.Error("the session before this login was not ended", "cause", err)
	}
}

func setSessionCookie(w http.ResponseWriter, token string, life time.Duration) {
	http.SetCookie(w, sessionCookie(token, int(life/time.Second)))
}

func clearSessionCookie(w http.ResponseWriter) { http.SetCookie(w, sessionCookie("", -1)) }

func sessionCookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: CookieName, Value: value, Path: "/", MaxAge: maxAge,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// logKey shortens a keyed hash for the log: lines about one address can be
// told to belong together, and not whose it is.
func logKey(key []byte) string { return hex.EncodeToString(key[:6]) }
