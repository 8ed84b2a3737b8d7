package faults_test

import (
	"bytes"
	"encoding/json"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/internal/torture"
)

// sessionRedis is a Redis that keeps the sessions of a site.
type sessionRedis struct {
	*services.Redis
	client *redis.Client
}

func startRedis(t *testing.T, args ...string) *sessionRedis {
	t.Helper()
	server := services.StartRedis(t, args...)
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { _ = client.Close() })
	return &sessionRedis{server, client}
}

// newRedisSite is a site that keeps its sessions in Redis.
func newRedisSite(t *testing.T, db database) *site {
	t.Helper()
	r := startRedis(t)
	s := newSite(t, db.with("-redis", r.Addr))
	s.redis = r
	return s
}

func (r *sessionRedis) do(t testing.TB, command ...any) (answer any) {
	t.Helper()
	answer, err := r.client.Do(t.Context(), command...).Result()
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	return answer
}

// sessions are how many there are, by address.
func (r *sessionRedis) sessions(s *site) map[string]int {
	s.Helper()
	keys, err := r.client.Keys(s.Context(), "*").Result()
	if err != nil {
		s.Fatal(err)
	}
	db := s.db.open(s)
	defer db.Close()
	emails, err := db.Query("SELECT id, email FROM users")
	if err != nil {
		s.Fatal(err)
	}
	defer emails.Close()
	emailOf := make(map[string]string)
	for emails.Next() {
		var id, email string
		if err := emails.Scan(&id, &email); err != nil {
			s.Fatal(err)
		}
		emailOf[id] = email
	}
	if err := emails.Err(); err != nil {
		s.Fatal(err)
	}
	sessions := make(map[string]int)
	for _, key := range keys {
		value, err := r.client.Get(s.Context(), key).Bytes()
		if err != nil {
			s.Fatal(err)
		}
		var session struct {
			UserID string `json:"user_id"`
		}
		if err := json.Unmarshal(value, &session); err != nil {
			s.Errorf("in Redis: %s: %v", value, err)
		}
		sessions[emailOf[session.UserID]]++
	}
	return sessions
}

// forget says that nobody promises any more that sessions live, since the Redis
// that kept them lost them.
func (s *site) forget() {
	for _, p := range s.people {
		clear(p.alive)
	}
}

// signedIn is somebody with a session, who has another code, too.
func (s *site) signedIn() (p *person, token string) {
	s.Helper()
	p = s.newPerson()
	token = p.logsIn()
	if refused := p.gets(); refused != "" {
		s.Fatal(refused)
	}
	return p, token
}

// Redis does not answer: nobody is let in and nobody is out, a right code is not
// spent, wrong guesses are counted, and it costs each request five seconds at
// most. When it answers again everything is as it was.
func TestFault_R25_redisHangs(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		s := newRedisSite(t, fresh(t))
		s.start()
		s.steady()
		somebody, token := s.signedIn()
		s.redis.Signal(t, syscall.SIGSTOP)
		somebody.isTold(auth.ReasonBusy, token)
		s.redis.Signal(t, syscall.SIGCONT)
		s.recovers()
		if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
			t.Errorf("the code afterwards: %s", got.code)
		}
		s.check()
	})
}

// isTold looks what somebody is told who tries everything that needs sessions.
func (p *person) isTold(want auth.Reason, token string) {
	p.Helper()
	if got := p.guess(other(p.lastCode()), false); got.code != string(auth.ReasonCode) || got.took > 2*time.Second {
		p.Errorf("a wrong guess, which has nothing to do with sessions: %s after %v", got.code, got.took)
	}
	for what, got := range map[string]string{
		"a login":   p.guess(p.lastCode(), true).code,
		"a refresh": p.refresh(token),
	} {
		if got != string(want) {
			p.Errorf("%s: %s, want %s", what, got, want)
		}
	}
}

// Redis is gone, and comes back empty: everybody has to log in again, and can.
func TestFault_R25_R26_redisDies(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		s := newRedisSite(t, fresh(t))
		s.start()
		s.steady()
		somebody, token := s.signedIn()
		s.redis.Kill()
		somebody.isTold(auth.ReasonBusy, token)
		if got := somebody.logout(token); got != string(auth.ReasonBusy) {
			t.Errorf("a logout: %s, want BUSY", got)
		}
		s.redis.Start(t)
		s.forget()
		if got := somebody.refresh(token); got != string(auth.ReasonSessionInvalid) {
			t.Errorf("a session that was lost: %s", got)
		}
		s.recovers()
		if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
			t.Errorf("the code afterwards: %s", got.code)
		}
		s.check()
	})
}

// Redis is emptied again and again while somebody guesses: that gives nobody
// another guess, since guesses are counted elsewhere.
func TestFault_R26_redisIsEmptied(t *testing.T) {
	t.Parallel()
	s := newRedisSite(t, freshSQLite(t))
	s.start()
	s.steady()
	for range torture.Rounds(3, 100) {
		out, token := s.signedIn()
		if got := out.logout(token); got != ok {
			t.Error(got)
		}
		victim := s.newPerson()
		if refused := victim.gets(); refused != "" {
			t.Fatal(refused)
		}
		var stop atomic.Bool
		empty := func() string {
			for !stop.Load() {
				s.redis.do(t, "FLUSHALL")
			}
			return ""
		}
		guess := func() string {
			defer stop.Store(true)
			for range 8 {
				victim.guess(other(victim.lastCode()), false)
			}
			return victim.guess(victim.lastCode(), true).code
		}
		if got := together(guess, empty)[0]; got != string(auth.ReasonCode) {
			t.Errorf("the right code after eight guesses: %s", got)
		}
		s.forget()
	}
	s.recovers()
	s.check()
}

// Redis is full. Who has a session keeps it, and nobody gets one; a code is not
// spent by that.
func TestFault_R27_redisIsFull(t *testing.T) {
	t.Parallel()
	s := newRedisSite(t, freshSQLite(t))
	s.start()
	s.steady()
	somebody, token := s.signedIn()
	s.redis.do(t, "CONFIG", "SET", "maxmemory", "1") // its policy is noeviction
	if got := somebody.guess(somebody.lastCode(), true).code; got != string(auth.ReasonBusy) {
		t.Errorf("a login: %s, want BUSY", got)
	}
	if got := somebody.refresh(token); got != ok {
		t.Errorf("a session that there is: %s", got)
	}
	if got := somebody.logout(token); got != ok {
		t.Errorf("its end: %s", got)
	}
	s.redis.do(t, "CONFIG", "SET", "maxmemory", "0")
	s.recovers()
	if got := somebody.guess(somebody.lastCode(), true); got.code != ok {
		t.Errorf("the code afterwards: %s", got.code)
	}
	s.check()
}

// A Redis that evicts what it likes ends sessions early, and does nothing worse.
func TestFault_R27_redisEvicts(t *testing.T) {
	t.Parallel()
	s := newRedisSite(t, freshSQLite(t))
	s.start()
	s.steady()
	for range 5 {
		if refused := s.newPerson().live(); refused != "" {
			t.Error(refused)
		}
		s.newPerson().logsIn()
	}
	s.redis.do(t, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	s.redis.do(t, "CONFIG", "SET", "maxmemory", "1") // all of them
	if got := s.newPerson(); got.gets() != "" {
		t.Error("no mail")
	}
	s.redis.client.Set(t.Context(), "x", "y", 0) // makes it look
	for _, p := range s.people {
		for token := range p.alive {
			if got := p.refresh(token); got != ok && got != string(auth.ReasonSessionInvalid) {
				t.Errorf("a session that was evicted: %s", got)
			}
		}
	}
	s.forget()
	s.redis.do(t, "CONFIG", "SET", "maxmemory", "0")
	s.recovers()
	s.check()
}

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
		lost, late := s.newPerson(), ""
		late = lost.logsIn()
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
			"one that the replica never saw":    {lost, late, string(auth.ReasonSessionInvalid)},
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
		delete(lost.alive, late)
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
		if refused := somebody.gets(); refused != "" {
			t.Fatal(refused)
		}
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
