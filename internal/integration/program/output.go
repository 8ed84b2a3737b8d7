package program

import (
	"bytes"
	"sync"
)

// most is how much is kept of what a process writes: the end of it.
const most = 64 << 20

// Output collects what a process writes.
type Output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed and replaced with each write
}

// NewOutput returns an empty one.
func NewOutput() *Output { return &Output{changed: make(chan struct{})} }

// Write implements io.Writer.
func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text.Len()+len(b) > most {
		o.text.Next(most / 2)
	}
	close(o.changed)
	o.changed = make(chan struct{})
	return o.text.Write(b)
}

func (o *Output) read() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.changed
}

// String is all of it so far.
func (o *Output) String() string {
	text, _ := o.read()
	return text
}
