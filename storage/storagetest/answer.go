package storagetest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/mailkey/storage"
)

// Checks begin at start, and tick is the smallest step of a store's time.
var start = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

const (
	tick   = time.Millisecond
	second = time.Second
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * hour
)

func at(d time.Duration) time.Time { return start.Add(d) }

// answer is what a verb said.
type answer[T any] struct {
	got T
	ok  bool
	err error
}

func value[T any](got T, err error) answer[T]           { return answer[T]{got, true, err} }
func lookup[T any](got T, ok bool, err error) answer[T] { return answer[T]{got, ok, err} }

// is reports an answer that is not the wanted one.
func (a answer[T]) is(want T) error {
	switch {
	case a.err != nil:
		return fmt.Errorf("%s: %w", where(), a.err)
	case !a.ok:
		return fmt.Errorf("%s: got nothing, want %s", where(), text(want))
	case text(a.got) != text(want):
		return fmt.Errorf("%s: got %s, want %s", where(), text(a.got), text(want))
	}
	return nil
}

// none reports an answer where there should be none.
func (a answer[T]) none() error {
	switch {
	case a.err != nil:
		return fmt.Errorf("%s: %w", where(), a.err)
	case a.ok:
		return fmt.Errorf("%s: got %s, want nothing", where(), text(a.got))
	}
	return nil
}

// fails reports an answer where there should be an error that is want.
func (a answer[T]) fails(want error) error {
	if !errors.Is(a.err, want) {
		return fmt.Errorf("%s: got %s and the error %v, want the error %v", where(), text(a.got), a.err, want)
	}
	return nil
}

// helpers are the files that are not checks.
var helpers = []string{"answer.go", "scene.go", "mails.go"}

// where is the line of the check that is running.
func where() string {
	pcs := make([]uintptr, 16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		frame, more := frames.Next()
		file := filepath.Base(frame.File)
		if !more || !slices.Contains(helpers, file) {
			return fmt.Sprint(file, ":", frame.Line)
		}
	}
}

// text prints a value the way it is compared: times in UTC and milliseconds,
// an empty slice like none, what is long by its sum, and of a struct the fields
// that are not zero, but always the result of a guess.
func text(v any) string {
	switch v := v.(type) {
	case time.Time:
		if v.IsZero() {
			return "never"
		}
		return v.UTC().Format("2006-01-02T15:04:05.000")
	case []byte:
		if len(v) > 16 {
			return fmt.Sprintf("%d bytes (%.6x…)", len(v), sha256.Sum256(v))
		}
		return fmt.Sprintf("%x", v)
	case string:
		if len(v) > 60 {
			return fmt.Sprintf("%q… (%.6x…)", v[:20], sha256.Sum256([]byte(v)))
		}
		return fmt.Sprintf("%q", v)
	case storage.GuessResult:
		return [...]string{"gone", "wrong", "limited", "refused", "no user", "disabled", "logged in"}[v]
	}
	var parts []string
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Struct:
		for i := range r.NumField() {
			field := r.Field(i).Interface()
			_, result := field.(storage.GuessResult)
			if text(field) != text(reflect.Zero(r.Field(i).Type()).Interface()) || result {
				parts = append(parts, r.Type().Field(i).Name+": "+text(field))
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case reflect.Slice:
		for i := range r.Len() {
			parts = append(parts, text(r.Index(i).Interface()))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(v)
}

// parallel runs f n times at once and returns the first error. A store that
// is busy is asked again, as its contract allows.
func parallel(n int, f func(i int) error) error {
	var wg sync.WaitGroup
	gate, errs := make(chan struct{}), make([]error, n)
	for i := range n {
		wg.Go(func() {
			<-gate
			for range 100 {
				if errs[i] = f(i); !errors.Is(errs[i], storage.ErrBusy) {
					return
				}
			}
		})
	}
	close(gate)
	wg.Wait()
	return cmp.Or(errs...)
}

// repeat runs f n times and returns the first error.
func repeat(n int, f func(i int) error) error {
	for i := range n {
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}

// key is a key as callers make them: 32 bytes of any value.
func key(parts ...any) []byte {
	sum := sha256.Sum256(fmt.Append(nil, parts...))
	return sum[:]
}

// scribble overwrites slices that a store must not share.
func scribble(slices ...[]byte) {
	for _, b := range slices {
		copy(b, bytes.Repeat([]byte{'x'}, len(b)))
	}
}

// counter counts the calls that were told ok.
type counter struct{ n atomic.Int32 }

func (c *counter) count(ok bool, err error) error {
	if ok && err == nil {
		c.n.Add(1)
	}
	return err
}

func (c *counter) is(want int) error { return value(int(c.n.Load()), nil).is(want) }
