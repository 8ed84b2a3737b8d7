package failpoint

import (
	"slices"
	"testing"
	"time"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	p, err := parse("a: b=error@2; c=sleep 2s;d=kill;")
	if err != nil {
		t.Fatal(err)
	}
	var fails []bool
	for range 3 {
		_, ok := p.hit("a: b")
		fails = append(fails, ok)
	}
	if want := []bool{false, true, false}; !slices.Equal(fails, want) {
		t.Errorf("the hits that fail: got %v, want %v", fails, want)
	}
	for range 2 {
		if f, ok := p.hit("c"); !ok || f != (failure{mode: "sleep", sleep: 2 * time.Second}) {
			t.Errorf("c: got %+v, %v", f, ok)
		}
	}
	if f, ok := p.hit("d"); !ok || f.mode != "kill" {
		t.Errorf("d: got %+v, %v", f, ok)
	}
	if f, ok := p.hit("e"); ok {
		t.Errorf("e: got %+v, want nothing", f)
	}
}

// Another plan begins anew.
func TestPlanChanges(t *testing.T) {
	t.Parallel()
	p, err := parse("a=error; b=error@2")
	if err != nil {
		t.Fatal(err)
	}
	p.hit("a")
	p.hit("b")
	other, err := parse("b=error@2")
	if err != nil {
		t.Fatal(err)
	}
	p.become(other)
	if _, ok := p.hit("a"); ok {
		t.Error("a place of the old plan fails")
	}
	if _, ok := p.hit("b"); ok {
		t.Error("a hit of the old plan counts")
	}
	if _, ok := p.hit("b"); !ok {
		t.Error("the second hit does not fail")
	}
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a", "a=", "a=burn", "a=kill@0", "a=kill@x", "a=sleep", "a=sleep tomorrow", "a=error now"} {
		if _, err := parse(text); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

func TestOff(t *testing.T) {
	t.Setenv("MAILKEY_FAILPOINTS", "a=error")
	if err := Hit("a"); (err != nil) != Enabled {
		t.Errorf("got %v in a program where failpoints are enabled: %t", err, Enabled)
	}
	SetClock(time.Hour)
	defer SetClock(0)
	if ahead := time.Until(Now()) > time.Minute; ahead != Enabled {
		t.Errorf("the clock is ahead: %t, in a program where failpoints are enabled: %t", ahead, Enabled)
	}
	if err := Set("a=burn"); (err != nil) != Enabled {
		t.Errorf("a plan that is none: %v", err)
	}
}
