package integration

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"

	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/storage"
)

// What a verb costs on a server that is not near is how often it goes there and
// back.
func TestPostgresRoundTrips(t *testing.T) {
	t.Parallel()
	server := services.StartPostgres(t)
	var trips atomic.Int32
	proxy := services.StartProxy(t, server.Addr, func([]byte) services.Cut {
		trips.Add(1)
		return services.Pass
	})
	// In this mode statements do not have to be prepared first.
	url := strings.Replace(server.URL("postgres"), server.Addr, proxy.Addr, 1) + "&default_query_exec_mode=exec"
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	db := sqlx.NewDb(stdlib.OpenDB(*config, stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return false })), "pgx")
	defer db.Close()
	db.SetMaxOpenConns(1)
	s := openPostgres(t, db, "mailkey")
	ctx, a, b := t.Context(), []byte("a"), []byte("b")
	limit := func(key []byte) storage.Limit { return storage.Limit{Key: key, Count: 100, Window: time.Hour} }
	for _, row := range []struct {
		name string
		want int32
		call func() error
	}{
		{"TakeLimits of one", 2, func() error { _, err := s.TakeLimits(ctx, noon, limit(a)); return err }},
		{"TakeLimits of two", 5, func() error { _, err := s.TakeLimits(ctx, noon, limit(a), limit(b)); return err }},
		{"PutCaptcha", 2, func() error {
			return s.PutCaptcha(ctx, storage.Captcha{ID: a, ExpiresAt: noon.Add(time.Hour)}, 20, 20_000)
		}},
		{"TakeCaptcha", 1, func() error { _, _, err := s.TakeCaptcha(ctx, a, noon); return err }},
		{"PutTicket", 1, func() error { return s.PutTicket(ctx, storage.Ticket{ID: a, Binding: a, ExpiresAt: noon}) }},
		{"TakeTicket", 1, func() error { _, err := s.TakeTicket(ctx, a, a, noon); return err }},
		{"RequestCode", 8, func() error { _, err := s.RequestCode(ctx, request("ann"), wide, noon); return err }},
		{"ClaimMails", 6, func() error { _, err := s.ClaimMails(ctx, 1, time.Minute, 0, noon); return err }},
		{"ClaimMails of none", 1, func() error { _, err := s.ClaimMails(ctx, 1, time.Minute, 0, noon); return err }},
		{"Redeem, wrong", 8, func() error { _, err := s.Redeem(ctx, guess("ann", "t", false), wide, noon); return err }},
		{"Redeem, a new user", 11, func() error { _, err := s.Redeem(ctx, guess("ann", "t", true), wide, noon); return err }},
		{"RequestCode again", 8, func() error { _, err := s.RequestCode(ctx, request("ann"), wide, noon); return err }},
		{"Redeem", 9, func() error { _, err := s.Redeem(ctx, guess("ann", "u", true), wide, noon); return err }},
		{"SaveSessionData", 1, func() error { _, err := s.SaveSessionData(ctx, "t", a, noon); return err }},
		{"RotateSession", 1, func() error { _, err := s.RotateSession(ctx, "t", "v", 0, noon); return err }},
		{"EndSession", 1, func() error { _, err := s.EndSession(ctx, "u", noon); return err }},
	} {
		before := trips.Load()
		if err := row.call(); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if got := trips.Load() - before; got != row.want {
			t.Errorf("%s: %d round trips, want %d", row.name, got, row.want)
		}
	}
}
