package faults_test

import (
	"encoding/json"
	"testing"

	"github.com/redis/go-redis/v9"

	"example.com/mailkey/internal/integration/services"
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
	p.mustGet()
	return p, token
}
