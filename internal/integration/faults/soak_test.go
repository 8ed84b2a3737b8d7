package faults_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/program"
	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/internal/integration/smtpd"
	"example.com/mailkey/internal/torture"
)

// Everything fails at random, one after the other, while people log in. At the
// end all that was promised holds.
func TestFault_R46_everythingAtRandom(t *testing.T) {
	t.Parallel()
	for name, fresh := range map[string]func(t *testing.T) *soak{"sqlite": soakSQLite, "postgres": soakPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := fresh(t)
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			k.random = rand.New(rand.NewPCG(46, seed))
			k.run(time.Duration(torture.Rounds(6, 600)) * time.Second)
		})
	}
}

// soak is a site whose people go to an address that stays when its server is
// another.
type soak struct {
	*site
	proxy  *services.Proxy
	server *program.Process
	random *rand.Rand
	broken func(time.Duration) // the database, for so long
}

func newSoak(s *site) *soak {
	k := &soak{site: s, proxy: services.StartProxy(s, "", func([]byte) services.Cut { return services.Pass })}
	k.restart()
	s.at = &program.Process{URL: "http://" + k.proxy.Addr, Stdout: program.NewOutput(), Stderr: program.NewOutput()}
	return k
}

func soakSQLite(t *testing.T) *soak {
	s := newSite(t, freshSQLite(t))
	k := newSoak(s)
	k.broken = func(d time.Duration) {
		unlock := s.lock()
		time.Sleep(d)
		unlock()
	}
	return k
}

func soakPostgres(t *testing.T) *soak {
	postgres := services.StartPostgres(t)
	k := newSoak(newSite(t, postgresAt(postgres.URL("postgres"))))
	k.broken = func(d time.Duration) {
		postgres.Stop(t, []os.Signal{services.Immediate, services.Fast}[k.random.IntN(2)])
		time.Sleep(d)
		postgres.Start(t)
	}
	return k
}

// restart starts a server in the place of the one that was killed.
func (k *soak) restart() {
	k.Helper()
	k.server = k.launch()
	k.server.Serves(k)
	u, err := url.Parse(k.server.URL)
	if err != nil {
		k.Fatal(err)
	}
	k.proxy.Redirect(u.Host)
}

func (k *soak) run(d time.Duration) {
	k.Helper()
	k.steady()
	var stop atomic.Bool
	var well, refused atomic.Int64
	people := func() string {
		for !stop.Load() {
			switch got := k.newPerson().live(); {
			case got == "":
				well.Add(1)
			case refusedFairly(got):
				refused.Add(1)
				time.Sleep(100 * time.Millisecond)
			default:
				return got
			}
		}
		return ""
	}
	faults := func() string {
		defer stop.Store(true)
		until := time.Now().Add(d)
		late := until.Add(time.Minute) // by which somebody has logged in, however few moments were good
		for time.Now().Before(until) || well.Load() == 0 && time.Now().Before(late) {
			k.fault()
		}
		return ""
	}
	for _, wrong := range together(people, people, people, people, faults) {
		if wrong != "" {
			k.Errorf("while everything fails: %s", wrong)
		}
	}
	k.claimsRunOut()
	k.recovers()
	k.Logf("%d logged in, %d were refused", well.Load(), refused.Load())
	if well.Load() == 0 {
		k.Error("nobody logged in")
	}
	k.check()
}

// refusedFairly is true for what people may be told, and find, while things
// fail: nothing that says that they did something wrong.
func refusedFairly(got string) bool {
	for _, fair := range []string{string(auth.ReasonBusy), string(auth.ReasonNotSent), string(auth.ReasonLimit), lost, errNoMail.Error()} {
		if strings.HasSuffix(got, fair) {
			return true
		}
	}
	return got == "send: "+string(auth.ReasonCaptcha) // a ticket that the database lost when it died
}

// fault lets something fail for a while.
func (k *soak) fault() {
	k.Helper()
	while := time.Duration(k.random.Int64N(int64(time.Second)))
	pick := func(from ...string) string { return from[k.random.IntN(len(from))] }
	switch k.random.IntN(5) {
	case 0:
		k.server.Kill()
		time.Sleep(while / 4)
		k.restart()
		k.claimsRunOut()
	case 1:
		if err := syscall.Kill(k.server.PID(), syscall.SIGSTOP); err != nil {
			k.Fatal(err)
		}
		time.Sleep(while)
		if err := syscall.Kill(k.server.PID(), syscall.SIGCONT); err != nil {
			k.Fatal(err)
		}
	case 2:
		stage := smtpd.Stages[k.random.IntN(len(smtpd.Stages))]
		k.relay.Always(stage, []smtpd.Action{
			smtpd.Cut(), smtpd.Lose(), smtpd.Hang(), smtpd.Reply(451, "4.7.1 later"), smtpd.Reply(550, "5.1.1 no"),
		}[k.random.IntN(5)])
		time.Sleep(while)
		k.relay.Always(stage, smtpd.Pass())
	case 3:
		var plan []string
		for range 3 {
			plan = append(plan, fmt.Sprintf("%s=%s@%d", crashes[3+k.random.IntN(len(crashes)-3)].point,
				pick("error", "panic", "sleep 300ms"), 1+k.random.IntN(4)))
		}
		k.fail(strings.Join(plan, ";"))
		time.Sleep(while)
		k.fail("")
	case 4:
		k.broken(while)
	}
	time.Sleep(200 * time.Millisecond) // and all is well
}
