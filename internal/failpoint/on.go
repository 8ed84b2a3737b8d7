//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Enabled reports whether this program has failpoints.
const Enabled = true

var points = sync.OnceValue(func() *plan {
	p, err := parse(os.Getenv("MAILKEY_FAILPOINTS"))
	if err != nil {
		panic(err)
	}
	return p
})

// Hit fails as the environment says.
func Hit(name string) error {
	f, ok := points().hit(name)
	if !ok {
		return nil
	}
	switch f.mode {
	case "kill":
		return kill()
	case "panic":
		panic("failpoint: " + name)
	case "sleep":
		time.Sleep(f.sleep)
		return nil
	}
	return fmt.Errorf("failpoint: %s", name)
}

// Set replaces the plan of the environment. Hits are counted anew.
func Set(text string) error {
	p, err := parse(text)
	if err == nil {
		points().become(p)
	}
	return err
}

// Now is time.Now on a clock that is wrong.
func Now() time.Time { return time.Now().Add(time.Duration(clock().Load())) }

// SetClock makes the clock wrong by so much from now on.
func SetClock(wrong time.Duration) { clock().Store(int64(wrong)) }

var clock = sync.OnceValue(func() *atomic.Int64 {
	wrong := new(atomic.Int64)
	if text := os.Getenv("MAILKEY_CLOCK"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			panic(err)
		}
		wrong.Store(int64(d))
	}
	return wrong
})

// kill ends the process as a power cut does: nothing is flushed, no defer runs.
func kill() error {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		return err
	}
	select {}
}
