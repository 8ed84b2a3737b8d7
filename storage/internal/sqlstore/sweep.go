package sqlstore

import (
	"context"
	_ "embed"
	"time"

	"example.com/mailkey/internal/failpoint"
	"example.com/mailkey/storage"
)

//go:embed queries/captcha_sweep.sql
var captchaSweep string

//go:embed queries/ticket_sweep.sql
var ticketSweep string

//go:embed queries/limit_sweep.sql
var limitSweep string

//go:embed queries/challenge_sweep.sql
var challengeSweep string

//go:embed queries/session_sweep.sql
var sessionSweep string

//go:embed queries/address_sweep.sql
var addressSweep string

//go:embed queries/device_sweep.sql
var deviceSweep string

//go:embed queries/failure_sweep.sql
var failureSweep string

// Sweep implements [storage.Store]. PostgreSQL deletes the row versions that it
// has just locked by where they lie: to find each by its random key once more
// would read a page of the primary key's index, which is most of the work in a
// large table. What was updated meanwhile lies elsewhere, and is left alone.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (removed int, err error) {
	at := now.UnixMilli()
	for _, sweep := range []struct {
		query string
		until int64
	}{
		{captchaSweep, at},
		{ticketSweep, at},
		{limitSweep, at},
		{challengeSweep, at},
		{sessionSweep, at},
		{addressSweep, now.Add(-storage.AddressLife).UnixMilli()},
		{deviceSweep, now.Add(-storage.DeviceLife).UnixMilli()},
		{failureSweep, hourOf(now.Add(-storage.FailureLife)) - 1},
	} {
		n, err := s.db.WriteSoon(ctx).Exec(sweep.query, sweep.until, limit)
		if err != nil {
			return removed, err
		}
		removed += int(n)
		if err := failpoint.Hit("sweep: part done"); err != nil {
			return removed, err
		}
	}
	return removed, nil
}
