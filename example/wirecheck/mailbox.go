package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// mailbox tells the code that was last mailed to an address.
type mailbox interface {
	code(ctx context.Context, address string) (string, error)
}

// terminal is a person.
type terminal struct {
	in  *bufio.Reader
	out io.Writer
}

func newTerminal(in io.Reader, out io.Writer) *terminal { return &terminal{bufio.NewReader(in), out} }

func (t *terminal) sayf(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

func (t *terminal) askf(format string, args ...any) (string, error) {
	fmt.Fprintf(t.out, format, args...)
	line, err := t.in.ReadString('\n')
	if errors.Is(err, io.EOF) && line != "" {
		err = nil
	}
	return strings.TrimSpace(line), err
}

func (t *terminal) code(_ context.Context, address string) (string, error) {
	return t.askf("the code that was mailed to %s: ", address)
}

// command is a program that prints codes. In its arguments {address} stands for
// the address.
type command struct {
	args  []string
	known map[string]bool // codes that it printed before
}

// code runs the command until it prints another code than before, for a minute
// at most.
func (c *command) code(ctx context.Context, address string) (string, error) {
	args := slices.Clone(c.args)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "{address}", address)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		out, err := exec.CommandContext(ctx, args[0], args[1:]...).Output()
		if code := strings.TrimSpace(string(out)); err == nil && code != "" && !c.known[code] {
			c.known[code] = true
			return code, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%s printed no new code (%v): %w", strings.Join(args, " "), err, ctx.Err())
		case <-time.After(time.Second):
		}
	}
}
