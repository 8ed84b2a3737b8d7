package cluster

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/internal/torture"
)

// The database is away for a while, and then everybody who was turned away comes
// back: half of them when they were told to, half of them at once, again and
// again. Soon after, it is as if nothing had been. No other test runs meanwhile:
// the crowd takes the whole machine.
func TestFault_R36_everybodyComesBackAtOnce(t *testing.T) {
	c := newCluster(t)
	server := services.StartPostgres(t)
	c.database = server.URL("postgres")
	instances := c.startAll(t, current(t), freeAddrs(t, 3), "-pool", "16")
	clients := make([]*comeback, torture.Rounds(100, 10_000))
	for n := range clients {
		clients[n] = &comeback{device: newDevice(instances[n%3].url()), obeys: n%2 == 0}
	}

	server.Stop(t, services.Immediate)
	back := make(chan struct{})
	var refused, served sync.WaitGroup
	refused.Add(len(clients))
	for _, client := range clients {
		served.Go(func() { client.come(t, refused.Done, back) })
	}
	refused.Wait()
	time.Sleep(time.Duration(torture.Rounds(1, 60)) * time.Second) // the outage lasts
	server.Start(t)
	recovered := time.Now()
	close(back)
	newcomers := make(chan []visit)
	over := make(chan struct{})
	go func() { newcomers <- visits(t, instances, over) }()
	served.Wait()
	all := time.Now()
	close(over)

	cutOff := 0
	var waits []int
	for _, client := range clients {
		waits = append(waits, client.waits...)
		cutOff += client.cutOff
	}
	slices.Sort(waits)
	if waits[0] < 10 || waits[len(waits)-1] > 12 || waits[0] == waits[len(waits)-1] {
		t.Errorf("Retry-After: from %d to %d seconds, want 10 to 12, not all the same", waits[0], waits[len(waits)-1])
	}
	t.Logf("%d clients were refused %d times, cut off %d times, and all served %v after the outage",
		len(clients), len(waits), cutOff, all.Sub(recovered).Round(time.Millisecond))

	// Who comes half a minute later, or when all have been served, does not
	// notice anything any more.
	quiet := recovered.Add(30 * time.Second)
	if all.Before(quiet) {
		quiet = all
	}
	var took []time.Duration
	for _, v := range <-newcomers {
		if v.at.Before(quiet) {
			continue
		}
		if took = append(took, v.took); !v.served {
			took[len(took)-1] = time.Minute
		}
	}
	slices.Sort(took)
	if p99 := took[len(took)*99/100]; p99 > 2*time.Second {
		t.Errorf("requests take %v (p99) after the outage", p99)
	} else {
		t.Logf("of %d newcomers 99%% were served within %v", len(took), p99)
	}
}

// visit is one request of somebody new.
type visit struct {
	at     time.Time
	took   time.Duration
	served bool
}

// visits are those of people who come one after the other until it is over, and
// a hundred more.
func visits(t *testing.T, instances []*instance, over <-chan struct{}) (all []visit) {
	for more := 100; more > 0; {
		v := visit{at: time.Now()}
		got, err := newDevice(instances[len(all)%3].url()).ask(t.Context(), "GET", captchaPath, nil)
		v.took, v.served = time.Since(v.at), err == nil && got.status == http.StatusOK
		all = append(all, v)
		select {
		case <-over:
			more--
		case <-time.After(10 * time.Millisecond):
		}
	}
	return all
}

// comeback is a client that comes back until it is served.
type comeback struct {
	device
	obeys bool // waits for as long as it is told to

	waits  []int // that it was told
	cutOff int   // how often it got no answer
}

// come calls refused after the first refusal, and goes on until the client is
// served. Before the server is back, only who obeys has a reason to wait with
// that.
func (c *comeback) come(t *testing.T, refused func(), back <-chan struct{}) {
	refused = sync.OnceFunc(refused)
	defer refused()
	for t.Context().Err() == nil {
		wait := 10 // who gets no answer at all
		got, err := c.ask(t.Context(), "GET", captchaPath, nil)
		switch {
		case err != nil:
			c.cutOff++
		case got.status == http.StatusOK:
			return
		default:
			if wait, err = strconv.Atoi(got.header.Get("Retry-After")); err != nil || got.String() != busy {
				t.Errorf("got %s\n%s\nRetry-After: %q", got, got.text, got.header.Get("Retry-After"))
				return
			}
			c.waits = append(c.waits, wait)
		}
		refused()
		if c.obeys {
			time.Sleep(time.Duration(wait) * time.Second)
		} else {
			<-back
		}
	}
}
