//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"sync"
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

// Now is time.Now on a clock that is wrong by MAILKEY_CLOCK.
func Now() time.Time { return time.Now().Add(clock()) }

var clock = sync.OnceValue(func() time.Duration {
	text := os.Getenv("MAILKEY_CLOCK")
	if text == "" {
		return 0
	}
	wrong, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
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
