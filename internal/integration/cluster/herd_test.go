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
// again. Soon after, it is as if nothing had been.
func TestFault_R36_everybodyComesBackAtOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	server := services.StartPostgres(t)
	c.database = server.URL("postgres")
	instances := c.startAll(t, program(t), freeAddrs(t, 3), "-pool", "16")
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
	served.Wait()

	// Those who obey wait for ten to twelve seconds; nobody waits for thirty.
	var waits []int
	for _, client := range clients {
		if client.err != nil {
			t.Fatal(client.err)
		}
		if late := client.servedAt.Sub(recovered); late > 30*time.Second {
			t.Fatalf("a client was served %v after the end of the outage", late)
		}
		waits = append(waits, client.waits...)
	}
	slices.Sort(waits)
	if waits[0] < 10 || waits[len(waits)-1] > 12 || waits[0] == waits[len(waits)-1] {
		t.Errorf("Retry-After: from %d to %d seconds, want 10 to 12, not all the same", waits[0], waits[len(waits)-1])
	}

	// And who comes then is served as ever.
	var took []time.Duration
	for range 100 {
		d := newDevice(instances[len(took)%3].url())
		began := time.Now()
		d.do(t, "GET", captchaPath, nil, ok)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	p99 := took[len(took)-2]
	t.Logf("%d clients, all served %v after the outage; then a request took %v at most (p99)",
		len(clients), time.Since(recovered).Round(time.Millisecond), p99)
	if p99 > 2*time.Second {
		t.Errorf("requests take %v (p99) after the outage", p99)
	}
}

// comeback is a client that comes back until it is served.
type comeback struct {
	device
	obeys bool // waits for as long as it is told to

	waits    []int // that it was told
	servedAt time.Time
	err      error
}

// come calls refused after the first refusal, and goes on until it is served.
// Before the server is back, only who obeys has a reason to wait with that.
func (c *comeback) come(t *testing.T, refused func(), back <-chan struct{}) {
	refused = sync.OnceFunc(refused)
	defer refused()
	for {
		got, err := c.ask(t.Context(), "GET", captchaPath, nil)
		if err != nil {
			c.err = err
			return
		}
		if got.status == http.StatusOK {
			c.servedAt = time.Now()
			return
		}
		wait, err := strconv.Atoi(got.header.Get("Retry-After"))
		if err != nil || got.String() != "500 IDAAS.SDK.COM.0002" {
			t.Errorf("got %s\n%s\nRetry-After: %q", got, got.text, got.header.Get("Retry-After"))
			return
		}
		c.waits = append(c.waits, wait)
		refused()
		if c.obeys {
			time.Sleep(time.Duration(wait) * time.Second)
		} else {
			<-back
		}
	}
}
