package storagetest

import (
	"bytes"
	"context"
	"slices"
	"time"

	"example.com/mailkey/storage"
)

// model is what random calls are compared with: the contracts once more, as
// plainly as can be. It is for one caller at a time, looks everything through
// from the beginning, shares what it was given, and forgets nothing.
type model struct {
	captchas []modelCaptcha
	tickets  []storage.Ticket
	tats     map[string]int64

	addresses  map[string]*storage.Address
	devices    map[[2]string]bool // of an address, that logged in
	challenges []*modelChallenge
	failures   map[int64]int
	beat       time.Time

	users    []*storage.User
	sessions []*modelSession

	keys    []byte
	version int64
}

var _ storage.Store = (*model)(nil)

func newModel() *model {
	return &model{
		tats:      make(map[string]int64),
		addresses: make(map[string]*storage.Address),
		devices:   make(map[[2]string]bool),
		failures:  make(map[int64]int),
	}
}

// stored is a time as it comes back.
func stored(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Truncate(tick)
}

type modelCaptcha struct {
	storage.Captcha
	heard int
}

func (m *model) PutCaptcha(_ context.Context, c storage.Captcha, perPeer, total int) error {
	c.ExpiresAt = stored(c.ExpiresAt)
	m.captchas = append(m.captchas, modelCaptcha{Captcha: c})
	ofPeer := func(c modelCaptcha) bool { return bytes.Equal(c.Peer, m.captchas[len(m.captchas)-1].Peer) }
	n := 0
	for _, c := range m.captchas {
		if ofPeer(c) {
			n++
		}
	}
	if n > perPeer {
		i := slices.IndexFunc(m.captchas, ofPeer)
		m.captchas = slices.Delete(m.captchas, i, i+1)
	}
	m.captchas = m.captchas[max(0, len(m.captchas)-total):]
	return nil
}

func (m *model) captcha(id []byte) int {
	return slices.IndexFunc(m.captchas, func(c modelCaptcha) bool { return bytes.Equal(c.ID, id) })
}

func (m *model) TakeCaptcha(_ context.Context, id []byte, now time.Time) (c storage.Captcha, ok bool, err error) {
	i := m.captcha(id)
	if i < 0 {
		return c, false, nil
	}
	c = m.captchas[i].Captcha
	m.captchas = slices.Delete(m.captchas, i, i+1)
	if !now.Before(c.ExpiresAt) {
		return storage.Captcha{}, false, nil
	}
	return c, true, nil
}

func (m *model) HearCaptcha(_ context.Context, id []byte, limit int, now time.Time) (c storage.Captcha, ok bool, err error) {
	i := m.captcha(id)
	if i < 0 || !now.Before(m.captchas[i].ExpiresAt) || m.captchas[i].heard >= limit {
		return c, false, nil
	}
	m.captchas[i].heard++
	return m.captchas[i].Captcha, true, nil
}

func (m *model) PutTicket(_ context.Context, t storage.Ticket) error {
	m.tickets = append(m.tickets, t)
	return nil
}

func (m *model) TakeTicket(_ context.Context, id, binding []byte, now time.Time) (bool, error) {
	i := slices.IndexFunc(m.tickets, func(t storage.Ticket) bool { return bytes.Equal(t.ID, id) })
	if i < 0 {
		return false, nil
	}
	t := m.tickets[i]
	m.tickets = slices.Delete(m.tickets, i, i+1)
	return bytes.Equal(t.Binding, binding) && now.Before(stored(t.ExpiresAt)), nil
}

func (m *model) TakeLimits(_ context.Context, now time.Time, limits ...storage.Limit) (wait time.Duration, err error) {
	for _, l := range limits {
		_, w := l.Take(m.tats[string(l.Key)], now)
		wait = max(wait, w)
	}
	for _, l := range limits {
		if wait == 0 && !l.Look {
			m.tats[string(l.Key)], _ = l.Take(m.tats[string(l.Key)], now)
		}
	}
	return wait, nil
}

func (m *model) LoadKeys(context.Context) ([]byte, int64, error) { return m.keys, m.version, nil }

func (m *model) SaveKeys(_ context.Context, sealed []byte, version int64) (bool, error) {
	if version != m.version {
		return false, nil
	}
	m.keys, m.version = sealed, version+1
	return true, nil
}

// Sweep is seen in that expired challenges are not pending, and the tokens of
// expired sessions not taken any more.
func (m *model) Sweep(_ context.Context, now time.Time, _ int) (int, error) {
	m.challenges = slices.DeleteFunc(m.challenges, func(c *modelChallenge) bool { return !now.Before(c.ExpiresAt) })
	m.sessions = slices.DeleteFunc(m.sessions, func(s *modelSession) bool { return !now.Before(s.ExpiresAt) })
	return 0, nil
}
