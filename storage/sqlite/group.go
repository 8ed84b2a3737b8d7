package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"example.com/mailkey/internal/failpoint"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/internal/sqlstore"
)

const (
	groupSize  = 64   // transactions that share a commit
	queueBound = 1024 // transactions that may wait
)

var errClosed = errors.New("the store is closed")

// group commits transactions together. There is one writer in SQLite anyway,
// and what a commit costs is waiting for the disk, so those who come while one
// is being written are served by the next, all in one: a savepoint each, an
// answer after the commit. Nobody waits for company, and there is no goroutine
// in the background: whoever finds the writer free works off the queue.
type group struct {
	conn  sqlstore.Conn
	queue chan *job
	free  chan struct{} // holds one token while nobody writes

	setSync func(on bool) error
	sync    bool         // what it was set to
	look    func() error // before each commit
}

type job struct {
	ctx  context.Context
	f    func(sqlstore.Conn) error
	sync bool       // wait for the disk
	done chan error // with room for one

	begun atomic.Bool // by whoever commits it, or given up
}

// newGroup returns a group on a connection whose commits wait for the disk,
// which setSync changes. An error of look keeps it from committing.
func newGroup(conn sqlstore.Conn, setSync func(on bool) error, look func() error) *group {
	g := &group{
		conn: conn, queue: make(chan *job, queueBound), free: make(chan struct{}, 1),
		setSync: setSync, sync: true, look: look,
	}
	g.free <- struct{}{}
	return g
}

// write runs f in a transaction and returns after its commit, which waits for
// the disk if sync says so. When ctx ends before f was started, f is not run.
func (g *group) write(ctx context.Context, f func(sqlstore.Conn) error, sync bool) error {
	j := &job{ctx: ctx, f: f, sync: sync, done: make(chan error, 1)}
	if err := g.enqueue(j); err != nil {
		return err
	}
	for {
		select {
		case err := <-j.done:
			return err
		case <-ctx.Done():
			if j.begun.CompareAndSwap(false, true) {
				return ctx.Err()
			}
			return <-j.done
		case _, open := <-g.free:
			if !open {
				select {
				case err := <-j.done: // by the last commit
					return err
				default:
					return errClosed
				}
			}
			g.commit()
			g.free <- struct{}{}
		}
	}
}

// enqueue puts the job into the queue. That may be full of jobs whose callers
// have gone, with nobody left to work them off.
func (g *group) enqueue(j *job) error {
	for {
		select {
		case g.queue <- j:
			return nil
		default:
		}
		select {
		case _, open := <-g.free:
			if !open {
				return errClosed
			}
			g.commit()
			g.free <- struct{}{}
		default:
			return fmt.Errorf("more than %d transactions are waiting: %w", queueBound, storage.ErrBusy)
		}
	}
}

// commit runs what is in the queue, up to a groupful, in one transaction.
func (g *group) commit() {
	var jobs []*job
	for len(jobs) < groupSize {
		select {
		case j := <-g.queue:
			if !j.begun.CompareAndSwap(false, true) {
				continue
			}
			if err := j.ctx.Err(); err != nil {
				j.done <- err
				continue
			}
			jobs = append(jobs, j)
			continue
		default:
		}
		break
	}
	if len(jobs) == 0 {
		return
	}
	results := make([]error, len(jobs))
	err := g.begin(jobs)
	if err != nil {
		g.refuse(err)
	} else {
		err = g.transaction(jobs, results)
	}
	for i, j := range jobs {
		if results[i] == nil {
			results[i] = err
		}
		j.done <- results[i]
	}
}

// begin waits for the other processes that write.
func (g *group) begin(jobs []*job) error {
	if err := g.syncFor(jobs); err != nil {
		return err
	}
	return g.exec("BEGIN IMMEDIATE")
}

// refuse fails those who came while begin waited in vain. Another process holds
// the lock, or the disk is broken: each of them would wait for it anew, one
// after the other.
func (g *group) refuse(err error) {
	for {
		select {
		case j := <-g.queue:
			j.done <- err
		default:
			return
		}
	}
}

// transaction runs the jobs and commits those that did not fail. An error is
// one of all of them: nothing was changed, unless it is ErrUncertain.
func (g *group) transaction(jobs []*job, results []error) error {
	for i, j := range jobs {
		if err := g.exec("SAVEPOINT job"); err != nil {
			return g.rollback(err)
		}
		results[i] = run(g.conn, j.f)
		if results[i] != nil {
			if g.exec("ROLLBACK TO job") != nil { // SQLite gave the whole transaction up
				// What the job's error is to its caller it is not to the others.
				return g.rollback(fmt.Errorf("%w: a transaction of the same group failed: %v", storage.ErrBusy, results[i]))
			}
		}
		if err := g.exec("RELEASE job"); err != nil {
			return g.rollback(err)
		}
	}
	if err := g.look(); err != nil {
		return g.rollback(err)
	}
	if g.sync { // where a slow disk is waited for
		if err := failpoint.Hit("sqlite: commit"); err != nil {
			return g.rollback(err)
		}
	}
	err := g.exec("COMMIT")
	if errors.Is(err, errIO) {
		// All of it may be in the log already, to be found there by the next start.
		err = fmt.Errorf("%w: %v", storage.ErrUncertain, err)
	}
	if err != nil {
		return g.rollback(err)
	}
	return nil
}

// syncFor makes the next commit wait for the disk if one of the jobs needs it.
func (g *group) syncFor(jobs []*job) error {
	sync := slices.ContainsFunc(jobs, func(j *job) bool { return j.sync })
	if sync == g.sync {
		return nil
	}
	if err := g.setSync(sync); err != nil {
		return err
	}
	g.sync = sync
	return nil
}

// rollback ends a transaction that failed as a whole. SQLite may have ended it
// by itself (a full disk does that), so an error of ROLLBACK says nothing.
func (g *group) rollback(cause error) error {
	_ = g.exec("ROLLBACK")
	return cause
}

func (g *group) exec(statement string) error {
	_, err := g.conn.Exec(statement)
	return err
}

// run keeps a panic of one job from the others.
func run(conn sqlstore.Conn, f func(sqlstore.Conn) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic in a transaction: %v", v)
		}
	}()
	return f(conn)
}

// close waits for the running transaction. Those that wait, and come, fail.
func (g *group) close() {
	if _, open := <-g.free; open {
		close(g.free)
	}
}
