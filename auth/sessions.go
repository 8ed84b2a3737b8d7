package auth

import (
	"net/http"
	"path"

	"example.com/mailkey/storage"
)

// sessionReply is one session as its user sees it.
type sessionReply struct {
	ID         string `json:"id"`
	ClientID   string `json:"client_id"`
	Agent      string `json:"agent"`
	OS         string `json:"operating_sys_version"`
	IP         string `json:"ip"`
	CreatedAt  int64  `json:"created_at"` // Unix seconds, as all of them
	LastSeenAt int64  `json:"last_seen_at"`
	ExpiresAt  int64  `json:"expires_at"`
	Current    bool   `json:"current"`
}

// ownSession returns the live session of the request, or refuses it.
func (a *Auth) ownSession(c *call) (*currentSession, error) {
	current, err := a.findSession(c)
	if err != nil {
		return nil, err
	}
	if !current.live {
		return nil, refuse(ReasonNotSignedIn)
	}
	a.touch(c.ctx, current)
	return current, nil
}

// ownSessions lists the sessions of whoever is calling, or ends all others.
func (a *Auth) ownSessions(c *call) error {
	current, err := a.ownSession(c)
	if err != nil {
		return err
	}
	if c.r.Method == http.MethodDelete {
		if c.r.URL.RawQuery != "others=true" {
			return refuse(ReasonMalformed)
		}
		return a.endOwn(c, current, storage.SessionFilter{ExceptID: current.session.ID})
	}
	sessions, err := a.config.Store.ListSessions(c.ctx, current.session.UserID, c.now)
	if err != nil {
		return busy("list the sessions", err)
	}
	list := []sessionReply{}
	for _, s := range sessions {
		if a.idle(s.LastSeenAt, c.now) {
			continue
		}
		list = append(list, sessionReply{
			ID: s.ID, ClientID: s.ClientID, Agent: s.Agent, OS: s.OS, IP: s.IP,
			CreatedAt: s.CreatedAt.Unix(), LastSeenAt: s.LastSeenAt.Unix(), ExpiresAt: s.ExpiresAt.Unix(),
			Current: s.ID == current.session.ID,
		})
	}
	return c.reply(struct {
		Sessions []sessionReply `json:"sessions"`
	}{list})
}

// endOwnSession ends one session of whoever is calling: the last part of the
// path names it.
func (a *Auth) endOwnSession(c *call) error {
	current, err := a.ownSession(c)
	if err != nil {
		return err
	}
	id := path.Base(c.r.URL.Path)
	if !idGrammar.MatchString(id) { // nobody's: stores need not bear what is no text
		return c.reply(ended{})
	}
	return a.endOwn(c, current, storage.SessionFilter{ID: id})
}

// endOwn ends sessions of whoever is calling.
func (a *Auth) endOwn(c *call, current *currentSession, which storage.SessionFilter) error {
	which.UserID = current.session.UserID
	n, err := a.config.Store.EndSessions(c.ctx, which, c.now)
	if err != nil {
		return busy("end sessions", err)
	}
	if which.ID == current.session.ID && c.client.Cookie {
		a.clearCookie(c.w)
	}
	return c.reply(ended{n})
}

type ended struct {
	N int `json:"ended"`
}
