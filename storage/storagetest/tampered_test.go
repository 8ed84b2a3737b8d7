package storagetest

import (
	"context"
	"sync"
	"time"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
)

// tampered is a store of which each verb can be replaced.
type tampered struct {
	mu sync.Mutex // for what the replacements remember

	putCaptcha  func(context.Context, storage.Captcha, int, int) error
	takeCaptcha func(context.Context, []byte, time.Time) (storage.Captcha, bool, error)
	hearCaptcha func(context.Context, []byte, int, time.Time) (storage.Captcha, bool, error)

	putTicket  func(context.Context, storage.Ticket) error
	takeTicket func(context.Context, []byte, []byte, time.Time) (bool, error)

	takeLimits func(context.Context, time.Time, ...storage.Limit) (time.Duration, error)

	requestCode    func(context.Context, storage.CodeRequest, storage.AddressLimits, time.Time) (storage.CodeRequested, error)
	findChallenge  func(context.Context, []byte, storage.AddressLimits, time.Time) (storage.Challenge, bool, error)
	guessWait      func(context.Context, []byte, []byte, storage.AddressLimits, time.Time) (time.Duration, int, error)
	redeem         func(context.Context, storage.Guess, storage.AddressLimits, time.Time) (storage.Redeemed, error)
	failuresByHour func(context.Context, int, time.Time) ([]int, error)

	claimMails func(context.Context, int, time.Duration, time.Duration, time.Time) ([]storage.Mail, error)
	finishMail func(context.Context, storage.Mail, storage.MailResult, time.Time) error
	beat       func(context.Context, time.Time) error
	lastBeat   func(context.Context) (time.Time, error)

	userByID        func(context.Context, string) (storage.User, bool, error)
	userByEmail     func(context.Context, string) (storage.User, bool, error)
	setUserDisabled func(context.Context, string, time.Time) (bool, error)
	listUsers       func(context.Context, string, int) ([]storage.User, error)
	changeEmail     func(context.Context, string, string, string, storage.LeftAddress) (bool, error)
	deleteUser      func(context.Context, string, storage.LeftAddress) (bool, error)

	findSession     func(context.Context, string, time.Time) (storage.LiveSession, bool, error)
	saveSessionData func(context.Context, string, []byte, time.Time) (bool, error)
	endSession      func(context.Context, string, time.Time) (bool, error)
	endSessions     func(context.Context, storage.SessionFilter, time.Time) (int, error)
	listSessions    func(context.Context, string, time.Time) ([]storage.Session, error)
	touchSession    func(context.Context, string, time.Time) error
	rotateSession   func(context.Context, string, string, time.Duration, time.Time) (bool, error)

	loadKeys func(context.Context) ([]byte, int64, error)
	saveKeys func(context.Context, []byte, int64) (bool, error)

	sweep func(context.Context, time.Time, int) (int, error)
}

var _ storage.Store = (*tampered)(nil)

// intact is a store that was not tampered with yet.
func intact() *tampered {
	s := memory.New()
	return &tampered{
		putCaptcha:      s.PutCaptcha,
		takeCaptcha:     s.TakeCaptcha,
		hearCaptcha:     s.HearCaptcha,
		putTicket:       s.PutTicket,
		takeTicket:      s.TakeTicket,
		takeLimits:      s.TakeLimits,
		requestCode:     s.RequestCode,
		findChallenge:   s.FindChallenge,
		guessWait:       s.GuessWait,
		redeem:          s.Redeem,
		failuresByHour:  s.FailuresByHour,
		claimMails:      s.ClaimMails,
		finishMail:      s.FinishMail,
		beat:            s.Beat,
		lastBeat:        s.LastBeat,
		userByID:        s.UserByID,
		userByEmail:     s.UserByEmail,
		setUserDisabled: s.SetUserDisabled,
		findSession:     s.FindSession,
		saveSessionData: s.SaveSessionData,
		endSession:      s.EndSession,
		listUsers:       s.ListUsers,
		changeEmail:     s.ChangeEmail,
		deleteUser:      s.DeleteUser,
		endSessions:     s.EndSessions,
		listSessions:    s.ListSessions,
		touchSession:    s.TouchSession,
		rotateSession:   s.RotateSession,
		loadKeys:        s.LoadKeys,
		saveKeys:        s.SaveKeys,
		sweep:           s.Sweep,
	}
}

// locked runs f alone.
func (s *tampered) locked(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *tampered) PutCaptcha(ctx context.Context, c storage.Captcha, perPeer, total int) error {
	return s.putCaptcha(ctx, c, perPeer, total)
}

func (s *tampered) TakeCaptcha(ctx context.Context, id []byte, now time.Time) (storage.Captcha, bool, error) {
	return s.takeCaptcha(ctx, id, now)
}

func (s *tampered) HearCaptcha(ctx context.Context, id []byte, limit int, now time.Time) (storage.Captcha, bool, error) {
	return s.hearCaptcha(ctx, id, limit, now)
}

func (s *tampered) PutTicket(ctx context.Context, t storage.Ticket) error { return s.putTicket(ctx, t) }

func (s *tampered) TakeTicket(ctx context.Context, id, binding []byte, now time.Time) (bool, error) {
	return s.takeTicket(ctx, id, binding, now)
}

func (s *tampered) TakeLimits(ctx context.Context, now time.Time, l ...storage.Limit) (time.Duration, error) {
	return s.takeLimits(ctx, now, l...)
}

func (s *tampered) RequestCode(ctx context.Context, r storage.CodeRequest, l storage.AddressLimits, now time.Time) (storage.CodeRequested, error) {
	return s.requestCode(ctx, r, l, now)
}

func (s *tampered) FindChallenge(ctx context.Context, binding []byte, l storage.AddressLimits, now time.Time) (storage.Challenge, bool, error) {
	return s.findChallenge(ctx, binding, l, now)
}

func (s *tampered) Redeem(ctx context.Context, g storage.Guess, l storage.AddressLimits, now time.Time) (storage.Redeemed, error) {
	return s.redeem(ctx, g, l, now)
}

func (s *tampered) FailuresByHour(ctx context.Context, n int, now time.Time) ([]int, error) {
	return s.failuresByHour(ctx, n, now)
}

func (s *tampered) ClaimMails(ctx context.Context, limit int, lease, minLife time.Duration, now time.Time) ([]storage.Mail, error) {
	return s.claimMails(ctx, limit, lease, minLife, now)
}

func (s *tampered) FinishMail(ctx context.Context, m storage.Mail, r storage.MailResult, now time.Time) error {
	return s.finishMail(ctx, m, r, now)
}

func (s *tampered) Beat(ctx context.Context, now time.Time) error { return s.beat(ctx, now) }

func (s *tampered) LastBeat(ctx context.Context) (time.Time, error) { return s.lastBeat(ctx) }

func (s *tampered) UserByID(ctx context.Context, id string) (storage.User, bool, error) {
	return s.userByID(ctx, id)
}

func (s *tampered) UserByEmail(ctx context.Context, email string) (storage.User, bool, error) {
	return s.userByEmail(ctx, email)
}

func (s *tampered) SetUserDisabled(ctx context.Context, id string, at time.Time) (bool, error) {
	return s.setUserDisabled(ctx, id, at)
}

func (s *tampered) FindSession(ctx context.Context, hash string, now time.Time) (storage.LiveSession, bool, error) {
	return s.findSession(ctx, hash, now)
}

func (s *tampered) SaveSessionData(ctx context.Context, hash string, data []byte, now time.Time) (bool, error) {
	return s.saveSessionData(ctx, hash, data, now)
}

func (s *tampered) EndSession(ctx context.Context, hash string, now time.Time) (bool, error) {
	return s.endSession(ctx, hash, now)
}

func (s *tampered) LoadKeys(ctx context.Context) ([]byte, int64, error) { return s.loadKeys(ctx) }

func (s *tampered) SaveKeys(ctx context.Context, sealed []byte, version int64) (bool, error) {
	return s.saveKeys(ctx, sealed, version)
}

func (s *tampered) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.sweep(ctx, now, limit)
}

func (s *tampered) ListUsers(ctx context.Context, after string, limit int) ([]storage.User, error) {
	return s.listUsers(ctx, after, limit)
}

func (s *tampered) ChangeEmail(ctx context.Context, id, email, mailTo string, leave storage.LeftAddress) (bool, error) {
	return s.changeEmail(ctx, id, email, mailTo, leave)
}

func (s *tampered) DeleteUser(ctx context.Context, id string, leave storage.LeftAddress) (bool, error) {
	return s.deleteUser(ctx, id, leave)
}

func (s *tampered) EndSessions(ctx context.Context, which storage.SessionFilter, now time.Time) (int, error) {
	return s.endSessions(ctx, which, now)
}

func (s *tampered) ListSessions(ctx context.Context, userID string, now time.Time) ([]storage.Session, error) {
	return s.listSessions(ctx, userID, now)
}

func (s *tampered) TouchSession(ctx context.Context, tokenHash string, now time.Time) error {
	return s.touchSession(ctx, tokenHash, now)
}

func (s *tampered) RotateSession(ctx context.Context, old, next string, grace time.Duration, now time.Time) (bool, error) {
	return s.rotateSession(ctx, old, next, grace, now)
}

func (s *tampered) GuessWait(ctx context.Context, address, device []byte, l storage.AddressLimits, now time.Time) (wait time.Duration, level int, err error) {
	return s.guessWait(ctx, address, device, l, now)
}
