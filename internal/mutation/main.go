// Command mutation changes every limit and every comparison of the login by
// one, one at a time, and runs the tests: each change has to make one fail.
// It shows whether the tests would notice a bound that moved.
//
//	go run ./internal/mutation           # everything; a few hours
//	go run ./internal/mutation -list     # only say what would be changed
//	go run ./internal/mutation -only 'storage/addresses\.go'
//
// Numbers become one larger and one smaller; < and <= change places, as do >
// and >=, == and !=, in Go and in SQL. The files stay as they are: the go
// command reads each change through -overlay. Changes that cannot be noticed
// from outside are in equivalent.txt, each with the reason; one that is listed,
// but that the tests of its file notice, is an error too.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"time"
)

func main() {
	list := flag.Bool("list", false, "only list the changes")
	only := flag.String("only", "", "`regexp` of the changes to make, as -list prints them")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *list, *only); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "mutation:", err)
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, out io.Writer, list bool, only string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	reasons, err := readEquivalent("internal/mutation/equivalent.txt")
	if err != nil {
		return err
	}
	start, count := time.Now(), map[outcome]int{}
	for _, g := range groups {
		mutants, err := g.mutants()
		if err != nil {
			return err
		}
		for _, m := range mutants {
			if !pattern.MatchString(m.String()) {
				continue
			}
			if list {
				fmt.Fprintln(out, m)
				continue
			}
			o, err := m.judge(ctx, g, reasons)
			if err != nil {
				return fmt.Errorf("%s: %w", m, err)
			}
			count[o]++
			fmt.Fprintf(out, "%-11s %s\n", o, m)
		}
	}
	if list {
		return nil
	}
	fmt.Fprintf(out, "%d noticed, %d unnoticed, %d equivalent, %d listed as equivalent but noticed, %d did not compile, in %v\n",
		count[noticed], count[unnoticed], count[equivalent], count[mislisted], count[broken], time.Since(start).Round(time.Second))
	if count[unnoticed]+count[mislisted] > 0 {
		return errors.New("the tests, or equivalent.txt, miss some")
	}
	return nil
}
