package failpoint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// plan says which places fail, and how.
type plan struct {
	mu   sync.Mutex
	hits map[string]int
	on   map[string]failure
}

type failure struct {
	mode  string
	sleep time.Duration
	at    int // the hit that fails; 0: each
}

// parse reads "name=mode; name=sleep 2s@3".
func parse(text string) (*plan, error) {
	p := &plan{hits: make(map[string]int), on: make(map[string]failure)}
	for item := range strings.SplitSeq(text, ";") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		name, how, ok := strings.Cut(item, "=")
		if !ok {
			return nil, fmt.Errorf("failpoint: %q is not name=mode", item)
		}
		f, err := parseFailure(how)
		if err != nil {
			return nil, fmt.Errorf("failpoint: %s: %w", name, err)
		}
		p.on[name] = f
	}
	return p, nil
}

func parseFailure(how string) (f failure, err error) {
	how, at, counted := strings.Cut(how, "@")
	if counted {
		if f.at, err = strconv.Atoi(at); err != nil || f.at < 1 {
			return f, fmt.Errorf("%q is not a number from 1", at)
		}
	}
	f.mode, how, _ = strings.Cut(how, " ")
	if f.mode == "sleep" {
		f.sleep, err = time.ParseDuration(how)
		return f, err
	}
	if !slices.Contains([]string{"error", "panic", "kill"}, f.mode) || how != "" {
		return f, fmt.Errorf("%q is none of error, panic, kill, sleep", f.mode)
	}
	return f, nil
}

// hit counts and reports whether the place fails this time.
func (p *plan) hit(name string) (failure, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hits[name]++
	f, ok := p.on[name]
	return f, ok && (f.at == 0 || f.at == p.hits[name])
}

// become takes over another plan.
func (p *plan) become(other *plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hits, p.on = other.hits, other.on
}
