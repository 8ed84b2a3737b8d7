package services

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

func TestPostgres(t *testing.T) {
	p := StartPostgres(t)
	for _, stop := range []func(){
		func() { p.Stop(t, Fast) },
		func() { p.Stop(t, Immediate) },
		p.Kill,
	} {
		out, err := exec.Command(installed(t, "psql"), p.URL("postgres"), "-Atc", "SHOW fsync").CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != "off" {
			t.Fatalf("fsync: got %q, %v", got, err)
		}
		stop()
		p.Start(t)
	}
}

func TestPgbouncer(t *testing.T) {
	b := StartPgbouncer(t, StartPostgres(t), "default_pool_size=1")
	out, err := exec.Command(installed(t, "psql"), b.URL("postgres"), "-Atc", "SHOW fsync").CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != "off" {
		t.Fatalf("fsync: got %q, %v\n%s", got, err, b.Log())
	}
	out, err = exec.Command(installed(t, "psql"), b.URL("pgbouncer"), "-Atc", "SHOW CONFIG").CombinedOutput()
	if !strings.Contains(string(out), "pool_mode|transaction|") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestRedis(t *testing.T) {
	r := StartRedis(t)
	r.Await(t, func(context.Context) error { // it listens a moment before it says so
		if !strings.Contains(r.Log(), "Ready to accept connections") {
			return errors.New("the log does not say that it is ready")
		}
		return nil
	})
	r.Kill()
	r.Start(t)
}

func TestNginx(t *testing.T) {
	addr := FreeAddr(t)
	direct := StartNginxWith(t, addr, "server { listen "+addr+"; location / { return 204; } }")
	for _, n := range []*Nginx{direct, StartNginx(t, addr)} {
		response, err := http.Get("http://" + n.Addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusNoContent {
			t.Errorf("got %s", response.Status)
		}
	}
}
