package storagetest

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"example.com/mailkey/storage"
)

// A taking is what TakeLimits does; breaking it is often to call it otherwise.
type taking func(ctx context.Context, now time.Time, limits ...storage.Limit) (time.Duration, error)

func takes(change func(take taking) taking) func(*tampered) {
	return func(s *tampered) { s.takeLimits = change(s.takeLimits) }
}

var brokenLimits = []broken{
	{"allows one taking too many", by("limits/allow count at once", "limits/hold when taken at once"), eachLimit(func(l *storage.Limit) {
		l.Window += time.Duration(l.Step()) * tick
		l.Count++
	})},
	{"refills late", by("limits/refill evenly"), takes(func(take taking) taking {
		return func(ctx context.Context, now time.Time, limits ...storage.Limit) (time.Duration, error) {
			if wait, err := take(ctx, now.Add(-tick), eachLook(limits)...); wait > 0 || err != nil {
				return wait, err
			}
			return take(ctx, now, limits...)
		}
	})},
	{"refills early", by("limits/refill evenly", "limits/follow the arithmetic"), eachLimit(func(l *storage.Limit) { l.Window -= time.Duration(l.Count) * tick })},
	{"refills all at once", by("limits/refill evenly", "limits/follow the arithmetic"), ownLimits(func(l storage.Limit, w *window, now time.Time) time.Duration {
		if !now.Before(w.end) {
			*w = window{end: now.Add(l.Window)}
		}
		if w.taken >= l.Count {
			return w.end.Sub(now)
		}
		w.taken++
		return 0
	})},
	{"saves up what was not taken", by("limits/allow no more after a rest"), ownLimits(func(l storage.Limit, w *window, now time.Time) time.Duration {
		if w.end.IsZero() {
			w.end = now
		}
		next := w.end.Add(time.Duration(l.Step()) * tick)
		if over := next.Sub(now) - l.Window; over > 0 {
			return over
		}
		w.end = next
		return 0
	})},
	{"takes from limits until one refuses", by("limits/are taken all or none"), takes(oneByOne(func() {}))},
	{"takes from one limit after the other", by("limits/hold together when taken at once"), func(s *tampered) {
		s.takeLimits = oneByOne(meeting())(s.takeLimits)
	}},
	{"waits for what it would have taken", by("limits/say how long to wait when taken at once"), takes(func(take taking) taking {
		return func(ctx context.Context, now time.Time, limits ...storage.Limit) (time.Duration, error) {
			wait, err := take(ctx, now, limits...)
			if wait > 0 && limits[0].Count == 1 && limits[0].Window == hour {
				wait = hour
			}
			return wait, err
		}
	})},
	{"waits for the first limit", by("limits/wait for the longest"), takes(func(take taking) taking {
		return func(ctx context.Context, now time.Time, limits ...storage.Limit) (time.Duration, error) {
			wait, err := take(ctx, now, limits...)
			for _, l := range limits {
				if first, _ := take(ctx, now, look(l)); wait > 0 && first > 0 {
					return first, err
				}
			}
			return wait, err
		}
	})},
	{"takes when it looks", by("limits/can be looked at"), eachLimit(func(l *storage.Limit) { l.Look = false })},
	{"sees nothing when it looks", by("limits/can be looked at"), takes(func(take taking) taking {
		return func(ctx context.Context, now time.Time, limits ...storage.Limit) (time.Duration, error) {
			return take(ctx, now, slices.DeleteFunc(limits, func(l storage.Limit) bool { return l.Look })...)
		}
	})},
	{"punishes who comes too early", by("limits/are not prolonged by refusals"), takes(func(take taking) taking {
		return func(ctx context.Context, now time.Time, limits ...storage.Limit) (time.Duration, error) {
			wait, err := take(ctx, now, limits...)
			if wait > 0 {
				_, _ = take(ctx, now.Add(wait), limits...)
			}
			return wait, err
		}
	})},
	{"cuts a key at a zero", by("limits/are kept by key"), eachLimit(func(l *storage.Limit) { l.Key, _, _ = bytes.Cut(l.Key, []byte{0}) })},
	{"takes keys for text", by("limits/are kept by key"), eachLimit(func(l *storage.Limit) { l.Key = []byte(strings.ToValidUTF8(string(l.Key), "?")) })},
	{"looks before it takes from a limit", by("limits/hold when taken at once"), func(s *tampered) {
		take, meet := s.takeLimits, meeting()
		s.takeLimits = func(ctx context.Context, now time.Time, limits ...storage.Limit) (time.Duration, error) {
			wait, err := take(ctx, now, eachLook(limits)...)
			if meet(); wait == 0 {
				_, err = take(ctx, now, limits...)
			}
			return wait, err
		}
	}},
	{"shares a limit's key", by("limits/are not shared"), func(s *tampered) {
		var shared sharedKeys
		eachLimit(func(l *storage.Limit) { s.locked(func() { l.Key = shared.of(l.Key) }) })(s)
	}},
}

func eachLimit(change func(*storage.Limit)) func(*tampered) {
	return takes(func(take taking) taking {
		return func(ctx context.Context, now time.Time, limits ...storage.Limit) (time.Duration, error) {
			limits = slices.Clone(limits)
			for i := range limits {
				change(&limits[i])
			}
			return take(ctx, now, limits...)
		}
	})
}

func eachLook(limits []storage.Limit) []storage.Limit {
	limits = slices.Clone(limits)
	for i := range limits {
		limits[i].Look = true
	}
	return limits
}

func oneByOne(between func()) func(taking) taking {
	return func(take taking) taking {
		return func(ctx context.Context, now time.Time, limits ...storage.Limit) (time.Duration, error) {
			for i, l := range limits {
				if i > 0 {
					between()
				}
				if wait, err := take(ctx, now, l); wait > 0 || err != nil {
					return wait, err
				}
			}
			return 0, nil
		}
	}
}

type window struct {
	end   time.Time
	taken int
}

// ownLimits counts a single limit another way.
func ownLimits(take func(l storage.Limit, w *window, now time.Time) time.Duration) func(*tampered) {
	return func(s *tampered) {
		windows := make(map[string]*window)
		s.takeLimits = func(_ context.Context, now time.Time, limits ...storage.Limit) (wait time.Duration, err error) {
			s.locked(func() {
				for _, l := range limits {
					if windows[string(l.Key)] == nil {
						windows[string(l.Key)] = new(window)
					}
					wait = max(wait, take(l, windows[string(l.Key)], now))
				}
			})
			return wait, nil
		}
	}
}

// sharedKeys are keys that were kept as they were passed in.
type sharedKeys struct{ kept [][]byte }

// of returns a key that stays the same as long as the caller's does.
func (k *sharedKeys) of(passed []byte) []byte {
	i := slices.IndexFunc(k.kept, func(kept []byte) bool { return bytes.Equal(kept, passed) })
	if i < 0 {
		i = len(k.kept)
		k.kept = append(k.kept, passed)
	}
	return key("shared", i)
}
