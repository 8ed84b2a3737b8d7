package burst_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
)

const (
	captchaRefused = string(auth.ReasonCaptcha)
	codeRefused    = string(auth.ReasonCode)
	tokenRefused   = string(auth.ReasonSessionInvalid)
)

func TestMain(m *testing.M) { os.Exit(house.Main(m)) }

// siege is rounds of bursts in each way, on each store.
type siege struct {
	instances int // 0: one
	change    func(*auth.Config)
	rounds    int // in each way

	// round plays one round, with a burst of the given way. It may turn out not
	// to prove anything, and is not ok then.
	round func(h *house.House, way burst.Way) (ok bool)

	end func(h *house.House)
}

func (s siege) lay(t *testing.T) {
	t.Helper()
	onEachStore(t, max(1, s.instances), s.change, func(h *house.House) {
		for _, way := range ways {
			h.Run(way.Name, func(t *testing.T) {
				for done, failed := 0, 0; done < s.rounds; {
					if s.round(h.In(t), way) {
						done++
					} else if failed++; failed > 5+s.rounds/10 {
						t.Fatalf("%d rounds of %d: the machine is too busy", done, s.rounds)
					}
				}
			})
		}
		if s.end != nil {
			s.end(h)
		}
	})
}

// onEachStore plays f with houses on all stores. How often a device may try is
// not limited there: what a code itself takes is what is tested.
func onEachStore(t *testing.T, instances int, change func(*auth.Config), f func(h *house.House)) {
	t.Helper()
	house.OnEachStore(t, instances, func(c *auth.Config) {
		c.Limits.LoginDevice = auth.Rate{Count: 1000, Per: 10 * time.Second}
		if change != nil {
			change(c)
		}
	}, f)
}

// fire sends n requests at once, to all instances; ok is false when the machine
// was too busy to answer them all in time.
func fire(h *house.House, way burst.Way, n int, request func(i int) burst.Request) (answers []burst.Answer, ok bool) {
	h.Helper()
	requests := make([]burst.Request, n)
	for i := range requests {
		requests[i] = request(i)
	}
	answers = way.Fire(h, requests, h.Servers...)
	return answers, answers != nil && !slices.ContainsFunc(answers, func(a burst.Answer) bool {
		code := house.Code(h, a)
		return code == string(auth.ReasonBusy) || code == string(auth.ReasonTimeout)
	})
}

// tally counts the answers by their codes.
func tally(h *house.House, answers []burst.Answer) map[string]int {
	h.Helper()
	counts := make(map[string]int)
	for _, a := range answers {
		counts[house.Code(h, a)]++
	}
	return counts
}

// instances are the ways to run a house.
var instances = map[string]int{"one instance": 1, "three instances": 3}
