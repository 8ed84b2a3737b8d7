package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"

	"example.com/mailkey/storage"
)

// newSession is the row for a login that is about to be granted.
func (a *Auth) newSession(c *call, g grant) (storage.Session, error) {
	expiresAt := c.now.Add(a.config.SessionLifetime)
	data, err := scsCodec{}.Encode(expiresAt, nil)
	if err != nil {
		return storage.Session{}, err
	}
	return storage.Session{
		Data:       data,
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
		ExpiresAt:  expiresAt,
	}, nil
}

// hashToken is how a session_token is stored.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return string(base64.RawURLEncoding.AppendEncode(make([]byte, 0, 43), sum[:]))
}

// tokensOf returns the tokens that the request carries, by cookie and by
// header: session-token, or Authorization: Bearer.
func (a *Auth) tokensOf(r *http.Request) (byCookie, byHeader []string) {
	for _, cookie := range r.CookiesNamed(a.cookieName()) {
		byCookie = append(byCookie, cookie.Value)
	}
	byHeader = append(byHeader, r.Header.Values("Session-Token")...)
	for _, value := range r.Header.Values("Authorization") {
		if scheme, credentials, _ := strings.Cut(value, " "); strings.EqualFold(scheme, "Bearer") {
			byHeader = append(byHeader, strings.TrimSpace(credentials))
		}
	}
	return byCookie, byHeader
}

// tokenOf returns the token of a request to the app's own routes; ok is false
// when it carries two different ones, or two cookies: somebody planted one. A
// token that does not look like one is none.
func (a *Auth) tokenOf(r *http.Request) (token string, byCookie, ok bool) {
	tokens, headers := a.tokensOf(r)
	if len(tokens) > 1 {
		return "", false, false
	}
	byCookie = len(tokens) > 0
	tokens = append(tokens, headers...)
	for _, t := range tokens {
		if t != tokens[0] {
			return "", false, false
		}
	}
	if len(tokens) == 0 || !isToken(tokens[0]) {
		return "", false, true
	}
	return tokens[0], byCookie, true
}

// sessionToken returns the token of a request to one of our endpoints, which
// say which client is calling: by cookie for a cookie client, by header for
// the others.
func (a *Auth) sessionToken(r *http.Request, client Client) (token string, ok bool) {
	tokens, headers := a.tokensOf(r)
	if !client.Cookie {
		tokens = headers
	} else if len(tokens) > 1 {
		return "", false
	}
	if len(tokens) == 0 {
		return "", false
	}
	for _, t := range tokens {
		if t != tokens[0] {
			return "", false
		}
	}
	return tokens[0], isToken(tokens[0])
}

// isToken is true for the one spelling of 32 bytes.
func isToken(t string) bool {
	var raw [32]byte
	if len(t) != base64.RawURLEncoding.EncodedLen(len(raw)) {
		return false
	}
	n, err := base64.RawURLEncoding.Strict().Decode(raw[:], []byte(t))
	return err == nil && n == len(raw)
}

// findSession returns the live session of a request to one of our endpoints, if
// it is the client's own.
func (a *Auth) findSession(c *call) (*currentSession, error) {
	current := &currentSession{now: c.now, byCookie: c.client.Cookie}
	token, ok := a.sessionToken(c.r, c.client)
	if !ok {
		return current, nil
	}
	if err := a.find(c.ctx, current, token); err != nil {
		return nil, busy("find the session", err)
	}
	current.live = current.live && current.session.ClientID == c.client.ID
	return current, nil
}

// endReplacedSession ends the session that a login came with: whoever logs in
// again has one session, and it is a new one.
func (a *Auth) endReplacedSession(c *call) {
	token, ok := a.sessionToken(c.r, c.client)
	if !ok {
		return
	}
	current := &currentSession{now: c.now, token: token, byCookie: c.client.Cookie, live: true} // for all that is known
	if _, err := a.endSession(c, current); err != nil {
		a.config.Logger.Error("the session before this login was not ended", "cause", err)
	}
}

// logKey shortens a keyed hash for the log: lines about one address can be
// told to belong together, and not whose it is.
func logKey(key []byte) string { return hex.EncodeToString(key[:6]) }
