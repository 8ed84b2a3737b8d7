package cluster

import (
	"sync"
	"testing"
)

// atOnce makes n requests at the same moment, at each instance as many, each
// from another network. Nothing but the device is the same to the limits.
func (c *trio) atOnce(t *testing.T, n int, d device, method, path string, body map[string]string) []reply {
	t.Helper()
	replies := make([]reply, n)
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		from := d.elsewhere().at(c.instances[i%len(c.instances)].url())
		all.Go(func() {
			<-start
			for range 10 {
				if replies[i], errs[i] = from.ask(t.Context(), method, path, body); errs[i] != nil || replies[i].String() != busy {
					return
				}
			}
		})
	}
	close(start)
	all.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return replies
}

// only returns the one reply that is 200; all others have to be refused so.
func only(t *testing.T, replies []reply, refused string) reply {
	t.Helper()
	var granted []reply
	for _, r := range replies {
		switch r.String() {
		case ok:
			granted = append(granted, r)
		case refused:
		default:
			t.Fatalf("got %s\n%s\nwant %s or %s", r, r.text, ok, refused)
		}
	}
	if len(granted) != 1 {
		t.Fatalf("%d of %d requests were granted, want 1", len(granted), len(replies))
	}
	return granted[0]
}
