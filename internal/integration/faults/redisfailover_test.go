package faults_test

import (
	"bytes"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/services"
)

// The primary fails, and a replica that had not heard of the last writes takes
// over. A session that was ended stays so, since the database says it, even if
// that crashes in the same moment; one that the replica had not heard of is
// over.
func TestFault_R28_redisFailover(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		s := newRedisSite(t, fresh(t))
		host, port, err := net.SplitHostPort(s.redis.Addr)
		if err != nil {
			t.Fatal(err)
		}
		replica := startRedis(t, "--replicaof", host, port)
		proxy := services.StartProxy(t, s.redis.Addr, func([]byte) services.Cut { return services.Pass })
		s.db = s.db.with("-redis", proxy.Addr)
		s.start()
		s.steady()
		out, ended := s.signedIn()
		disabled, token := s.signedIn()
		stays, kept := s.signedIn()
		s.eventually("the replica has them", 10*time.Second, func() bool {
			return s.redis.do(t, "DBSIZE") == replica.do(t, "DBSIZE")
		})
		replica.do(t, "REPLICAOF", "NO", "ONE") // it lags behind from now on

		if got := out.logout(ended); got != ok {
			t.Error(got)
		}
		s.db.exec(t, "UPDATE users SET disabled_at = 1, generation = generation + 1 WHERE email = '"+disabled.email+"'")
		unheard := s.newPerson()
		late := unheard.logsIn()
		s.redis.Kill()
		proxy.Redirect(replica.Addr)
		s.redis = replica

		for what, test := range map[string]struct {
			p     *person
			token string
			want  string
		}{
			"a session that was ended":          {out, ended, string(auth.ReasonSessionInvalid)},
			"one of a user who was disabled":    {disabled, token, string(auth.ReasonSessionInvalid)},
			"one that the replica never saw":    {unheard, late, string(auth.ReasonSessionInvalid)},
			"one of somebody who did not leave": {stays, kept, ok},
		} {
			s.eventually(what+" is answered", 10*time.Second, func() bool {
				got := test.p.refresh(test.token)
				if got != test.want && got != string(auth.ReasonBusy) {
					t.Errorf("%s: %s, want %s", what, got, test.want)
				}
				return got != string(auth.ReasonBusy)
			})
		}
		delete(disabled.alive, token)
		delete(unheard.alive, late)
		s.recovers()
		s.check()
	})
}

// The same, and PostgreSQL crashes at once after the logout was answered.
func TestFault_R28_redisFailoverAndCrash(t *testing.T) {
	t.Parallel()
	// Without waiting, a commit is on the disk after up to three times this.
	postgres := services.StartPostgres(t, "wal_writer_delay=10s", "wal_writer_flush_after=0")
	s := newRedisSite(t, postgresAt(postgres.URL("postgres")))
	s.start()
	s.steady()
	out, token := s.signedIn()
	key := s.redis.do(t, "KEYS", "*").([]any)
	stale := make(map[string]any)
	for _, k := range key {
		stale[k.(string)] = s.redis.do(t, "GET", k)
	}
	s.mailed()
	if got := out.logout(token); got != ok {
		t.Error(got)
	}
	postgres.Stop(t, services.Immediate)
	postgres.Start(t)
	for k, v := range stale {
		s.redis.do(t, "SET", k, v)
	}
	s.recovers()
	if got := out.refresh(token); got != string(auth.ReasonSessionInvalid) {
		t.Errorf("a session that was ended: %s", got)
	}
	for k := range stale {
		s.redis.do(t, "DEL", k)
	}
	delete(out.alive, token)
}

// What answers is a replica, or a node of a cluster that has nothing to say, or
// answers another question: nobody gets anything by that.
func TestFault_R29_redisIsNotWhatItWas(t *testing.T) {
	t.Parallel()
	t.Run("READONLY", func(t *testing.T) {
		t.Parallel()
		s := newRedisSite(t, freshSQLite(t))
		s.start()
		s.steady()
		somebody, token := s.signedIn()
		s.redis.do(t, "REPLICAOF", "127.0.0.1", "1") // of nobody
		if got := somebody.guess(somebody.lastCode(), true).code; got != string(auth.ReasonBusy) {
			t.Errorf("a login: %s, want BUSY", got)
		}
		if got := somebody.refresh(token); got != ok {
			t.Errorf("a session that there is: %s", got)
		}
		out, kept := somebody.logout(token), somebody.refresh(token)
		if out != string(auth.ReasonBusy) || kept != string(auth.ReasonSessionInvalid) {
			t.Errorf("a logout: %s, want BUSY; and then %s, want it ended all the same", out, kept)
		}
		s.redis.do(t, "REPLICAOF", "NO", "ONE")
		s.recovers()
		if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
			t.Errorf("the code afterwards: %s", got.code)
		}
		s.check()
	})
	t.Run("CLUSTERDOWN", func(t *testing.T) {
		t.Parallel()
		_, bus, err := net.SplitHostPort(services.FreeAddr(t))
		if err != nil {
			t.Fatal(err)
		}
		r := startRedis(t, "--cluster-enabled", "yes", "--cluster-port", bus)
		s := newSite(t, freshSQLite(t).with("-redis", r.Addr))
		s.start()
		somebody := s.newPerson()
		somebody.mustGet()
		if got := somebody.guess(somebody.lastCode(), true).code; got != string(auth.ReasonBusy) {
			t.Errorf("a login: %s, want BUSY", got)
		}
		if got := somebody.refresh(strings.Repeat("A", 43)); got != string(auth.ReasonBusy) {
			t.Errorf("a refresh: %s, want BUSY", got)
		}
		s.check()
	})
	t.Run("SCRIPT FLUSH", func(t *testing.T) { // NOSCRIPT: there are no scripts
		t.Parallel()
		s := newRedisSite(t, freshSQLite(t))
		s.start()
		s.steady()
		s.redis.do(t, "SCRIPT", "FLUSH")
		s.recovers()
		s.check()
	})
	t.Run("the answer to another question", func(t *testing.T) {
		t.Parallel()
		s := newRedisSite(t, freshSQLite(t))
		var mixed atomic.Value
		mixed.Store([]byte(nil))
		proxy := services.StartProxy(t, s.redis.Addr, func(sent []byte) services.Cut {
			// get <key>: the question becomes one for somebody else's session.
			if key := mixed.Load().([]byte); key != nil && bytes.Contains(bytes.ToLower(sent), []byte("\r\nget\r\n")) {
				i := bytes.LastIndex(sent, []byte("\r\n"+string(scsPrefix)))
				copy(sent[i+2:], key)
			}
			return services.Pass
		})
		s.db = s.db.with("-redis", proxy.Addr)
		s.start()
		s.steady()
		victim, hers := s.signedIn()
		keys, err := s.redis.client.Keys(t.Context(), "*").Result()
		if err != nil {
			t.Fatal(err)
		}
		somebody, his := s.signedIn()
		for _, key := range keys {
			mixed.Store([]byte(key))
			got := s.newPerson().do(t.Context(), "POST", "/api/v2/sdk/sso/session-token/id-token", map[string][]string{"Session-Token": {his}}, nil)
			if got.code != string(auth.ReasonBusy) || got.field("id_token") != "" {
				t.Errorf("with his token and her session: %s", got.code)
			}
		}
		mixed.Store([]byte(nil))
		if got := []string{victim.refresh(hers), somebody.refresh(his)}; !slices.Equal(got, []string{ok, ok}) {
			t.Errorf("afterwards: %v", got)
		}
		s.recovers()
		s.check()
	})
}

const scsPrefix = "scs:session:"
