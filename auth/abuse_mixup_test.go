package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
)

// swappedStore gives everybody the answer to somebody else's question.
type swappedStore struct {
	storage.Store
	hash  string // of whose session all are told
	email string // and whose user
}

func (s *swappedStore) FindSession(ctx context.Context, hash string, now time.Time) (storage.Session, storage.User, bool, error) {
	if s.hash != "" {
		hash = s.hash
	}
	return s.Store.FindSession(ctx, hash, now)
}

func (s *swappedStore) UserByEmail(ctx context.Context, email string) (storage.User, bool, error) {
	if s.email != "" {
		email = s.email
	}
	return s.Store.UserByEmail(ctx, email)
}

// swappedSessions does that with the sessions in a store of scs.
type swappedSessions struct {
	scs.Store
	hash string
}

func (s *swappedSessions) Find(hash string) ([]byte, bool, error) {
	if s.hash != "" {
		hash = s.hash
	}
	return s.Store.Find(hash)
}

// mailTo asks for a code and returns whom it is mailed to.
func (k *kit) mailTo(email string) string {
	k.Helper()
	k.code(email)
	return k.mails.last().To
}

// A database, driver or cache that mixes its answers up makes nobody somebody
// else: what comes back has to be what was asked for.
func TestAbuse_J07_SwappedAnswers(t *testing.T) {
	for _, foreign := range []bool{false, true} {
		t.Run(fmt.Sprintf("foreign sessions %v", foreign), func(t *testing.T) {
			onEachStore(t, func(c *auth.Config) {
				c.Store = &swappedStore{Store: c.Store}
				if foreign {
					c.SessionStore = &swappedSessions{Store: memstore.NewWithCleanupInterval(0)}
				}
			}, func(k *kit) {
				store := k.conf.Store.(*swappedStore)
				ann := k.login("ann@b.example", k.code("ann@b.example")).field(t, "session_token")
				other := k.as(onDevice("other"))
				eve := other.login("eve@b.example", other.code("eve@b.example")).field(t, "session_token")
				if foreign {
					k.conf.SessionStore.(*swappedSessions).hash = auth.HashToken(ann)
				} else {
					store.hash = auth.HashToken(ann)
				}
				page := k.whoami()
				for _, a := range []answer{other.refresh(eve), other.do(other.withToken("POST", logoutPath, eve)), other.visit(page, eve, "")} {
					if a.code() != string(auth.ReasonBusy) || strings.Contains(string(a.body), "ann") {
						t.Errorf("with the session of another: %d %s", a.status, a.body)
					}
				}
				if a := k.visit(page, ann, ""); !strings.HasPrefix(string(a.body), "ann@b.example") {
					t.Errorf("with one's own: %d %s", a.status, a.body)
				}
				k.pass(time.Hour)
				code := other.code("eve@b.example")
				store.email = "ann@b.example"
				if a := other.login("eve@b.example", code); a.code() != string(auth.ReasonBusy) {
					t.Errorf("as the user of another: %d %s", a.status, a.body)
				}
				time.Sleep(time.Minute)
				if to := other.mailTo("eve@b.example"); to != "eve@b.example" {
					t.Errorf("a mail to another: %s", to)
				}
				if _, err := k.auth.UserByEmail(k.Context(), "eve@b.example"); err == nil {
					t.Error("the app was told of another")
				}
				store.email = ""
				if a := other.login("eve@b.example", code); a.status != 200 {
					t.Errorf("afterwards: %d %s", a.status, a.body)
				}
				if !strings.Contains(k.log.String(), "not asked for") {
					t.Error("the log says nothing of it")
				}
			})
		})
	}
}

// Readers that give up at any moment leave nothing behind for those that come
// after them.
func TestAbuse_J07_CancelledReads(t *testing.T) {
	const users, readers, rounds = 5, 8, 200
	onEachStore(t, nil, func(k *kit) {
		var ids, emails, hashes [users]string
		for i := range users {
			k := manyPeers(k, i).as(onDevice(fmt.Sprint(i)))
			emails[i] = fmt.Sprintf("reader%d@b.example", i)
			token, c := k.signIn(emails[i])
			ids[i], hashes[i] = c["sub"].(string), auth.HashToken(token)
		}
		var answered, cancelled atomic.Int64
		atOnce(readers, func(reader int) {
			for round := range rounds {
				i := (reader + round) % users
				ctx, cancel := context.WithCancel(k.Context())
				gone := make(chan struct{})
				go func() { defer close(gone); cancel() }()
				session, owner, ok, err := k.conf.Store.FindSession(ctx, hashes[i], time.Now())
				if ok && (session.TokenHash != hashes[i] || owner.ID != ids[i] || owner.Email != emails[i]) {
					t.Errorf("session %d is %+v of %+v", i, session, owner)
				}
				byEmail, ok2, err2 := k.conf.Store.UserByEmail(ctx, emails[i])
				byID, ok3, err3 := k.conf.Store.UserByID(ctx, ids[i])
				if ok2 && byEmail.ID != ids[i] || ok3 && byID.Email != emails[i] {
					t.Errorf("user %d is %+v and %+v", i, byEmail, byID)
				}
				for _, err := range []error{err, err2, err3} {
					if err == nil {
						answered.Add(1)
					} else if cancelled.Add(1); !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				}
				if err == nil && !ok || err2 == nil && !ok2 || err3 == nil && !ok3 {
					t.Errorf("user %d is not there: %v %v %v", i, ok, ok2, ok3)
				}
				<-gone
			}
		})
		if n := answered.Load(); n == 0 || n+cancelled.Load() != 3*readers*rounds {
			t.Errorf("%d were answered, %d cancelled", n, cancelled.Load())
		}
	})
}
