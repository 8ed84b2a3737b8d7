package memory

import (
	"context"
	"slices"
	"time"

	"example.com/mailkey/storage"
)

// Sweep implements [storage.Store].
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (removed int, err error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()

	for _, id := range dead(s.captchas, limit, func(_ string, c *captcha) bool { return past(c.ExpiresAt, now) }) {
		s.dropCaptcha(s.captchas[id])
		removed++
	}
	for _, hash := range dead(s.sessions, limit, func(_ string, row *session) bool { return past(row.ExpiresAt, now) }) {
		s.dropSession(s.sessions[hash])
		removed++
	}
	removed += sweep(s.tickets, limit, func(_ string, t storage.Ticket) bool { return past(t.ExpiresAt, now) })
	removed += sweep(s.limits, limit, func(_ string, tat int64) bool { return tat <= now.UnixMilli() })
	for _, binding := range dead(s.challenges, limit, func(_ string, c *challenge) bool { return past(c.ExpiresAt, now) }) {
		delete(s.challenges, binding)
		delete(s.outbox, binding)
		removed++
	}
	removed += sweep(s.addresses, limit, func(_ string, a *address) bool { return past(a.touchedAt.Add(storage.AddressLife), now) })
	removed += sweep(s.devices, limit, func(_ device, seen time.Time) bool { return past(seen.Add(storage.DeviceLife), now) })
	removed += sweep(s.failures, limit, func(hour int64, _ int) bool { return hour < hourOf(now.Add(-storage.FailureLife)) })
	return removed, nil
}

// dead returns the keys of at most limit rows that are dead.
func dead[K comparable, V any](rows map[K]V, limit int, isDead func(K, V) bool) (keys []K) {
	for k, row := range rows {
		if len(keys) < limit && isDead(k, row) {
			keys = append(keys, k)
		}
	}
	return keys
}

// sweep removes at most limit rows that are dead.
func sweep[K comparable, V any](rows map[K]V, limit int, isDead func(K, V) bool) (removed int) {
	keys := dead(rows, limit, isDead)
	for _, k := range keys {
		delete(rows, k)
	}
	return len(keys)
}

// dropSession removes the session without a trace.
func (s *Store) dropSession(row *session) {
	delete(s.sessions, row.TokenHash)
	rest := slices.DeleteFunc(s.sessionsByUser[row.UserID], func(o *session) bool { return o == row })
	if len(rest) == 0 {
		delete(s.sessionsByUser, row.UserID)
		return
	}
	s.sessionsByUser[row.UserID] = rest
}
